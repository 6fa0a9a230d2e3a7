"""PID 1 of a sandbox: runs Python and shell calls for the host and hands it output, images and files."""
