"""Trains the demo model from nothing: synthetic dialogues, a small Llama network, a GGUF file."""
