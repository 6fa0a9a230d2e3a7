"""Finds the pictures that a call made: figures left open, shown or saved, images, animations."""

from __future__ import annotations

import io
import sys
from typing import Any, Callable

MAX_IMAGES = 16
MAX_FRAMES = 60

Send = Callable[[str, bytes], None]


class Pictures:
    """Collects during one call at a time. `send_image` and `send_frame` take a MIME type and bytes."""

    def __init__(self, send_image: Send, send_frame: Send) -> None:
        self._send_image = send_image
        self._send_frame = send_frame
        self._patched: set[str] = set()
        self.begin()

    def begin(self) -> None:
        self.images = 0
        self.frames = 0
        self._saved: list[Any] = []
        self._animations: list[Any] = []
        self._done: set[int] = set()
        self._collecting = False
        self._patch()

    def value(self, value: object) -> None:
        """The last expression's value, when it can draw itself."""
        if isinstance(value, type):
            return
        draw = getattr(value, "_repr_png_", None)
        png = draw() if callable(draw) else None
        if isinstance(png, bytes):
            self._image(png)

    def end(self) -> None:
        """Sends what is left to send and closes every figure."""
        # A library that the call itself imported was not watched; its open figures are still found.
        self._collecting = True
        for animation in self._animations:
            self._send_animation(animation)
        self._send_open_figures()
        for figure in self._saved:
            self._send_figure(figure)
        self._saved, self._animations = [], []

    def _image(self, data: bytes) -> None:
        if self.images < MAX_IMAGES:
            self._send_image("image/png", data)
        self.images += 1

    def _send_open_figures(self) -> None:
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is None:
            return
        for number in pyplot.get_fignums():
            self._send_figure(pyplot.figure(number))
        pyplot.close("all")

    def _send_figure(self, figure: Any) -> None:
        if id(figure) in self._done or self.images >= MAX_IMAGES:
            return
        self._done.add(id(figure))
        collecting, self._collecting = self._collecting, True
        try:
            buffer = io.BytesIO()
            figure.savefig(buffer, format="png", bbox_inches="tight")
        finally:
            self._collecting = collecting
        self._image(buffer.getvalue())

    def _send_animation(self, animation: Any) -> None:
        pictures = self
        writer: Any = sys.modules["matplotlib.animation"].AbstractMovieWriter

        class FrameCollector(writer):  # type: ignore[misc]
            def setup(self, fig: Any, outfile: str, dpi: float | None = None) -> None:
                self.fig = fig

            def grab_frame(self, **_: object) -> None:
                pictures.frames += 1
                if pictures.frames <= MAX_FRAMES:
                    buffer = io.BytesIO()
                    self.fig.savefig(buffer, format="jpeg")
                    pictures._send_frame("image/jpeg", buffer.getvalue())

            def finish(self) -> None:
                pass

        figure = getattr(animation, "_fig", None)
        if figure is None:
            return
        self._done.add(id(figure))
        self._saved.append(figure)
        animation.save("frames", writer=FrameCollector())

    def _patch(self) -> None:
        self._patch_once("matplotlib.pyplot", self._patch_pyplot)
        self._patch_once("matplotlib.figure", self._patch_figure)
        self._patch_once("matplotlib.animation", self._patch_animation)
        self._patch_once("PIL.Image", self._patch_pillow)

    def _patch_once(self, name: str, patch: Callable[[Any], None]) -> None:
        module = sys.modules.get(name)
        if module is not None and name not in self._patched:
            self._patched.add(name)
            patch(module)

    def _patch_pyplot(self, pyplot: Any) -> None:
        # A plain function: pyplot writes attributes on it when it changes its backend.
        def show(*_: object, **__: object) -> None:
            self._send_open_figures()

        pyplot.show = show

    def _patch_figure(self, module: Any) -> None:
        original = module.Figure.savefig
        pictures = self

        def savefig(figure: Any, *arguments: Any, **options: Any) -> Any:
            if not pictures._collecting and figure not in pictures._saved[:MAX_IMAGES]:
                pictures._saved.append(figure)
                del pictures._saved[MAX_IMAGES:]
            return original(figure, *arguments, **options)

        savefig.__doc__ = original.__doc__
        module.Figure.savefig = savefig

    def _patch_animation(self, module: Any) -> None:
        original = module.Animation.__init__
        pictures = self

        def initialise(animation: Any, *arguments: Any, **options: Any) -> None:
            original(animation, *arguments, **options)
            # A second animation of the call would double its time; the last one made is the one meant.
            pictures._animations = [animation]

        module.Animation.__init__ = initialise

    def _patch_pillow(self, module: Any) -> None:
        def show(image: Any, *_: object, **__: object) -> None:
            self.value(image)

        module.Image.show = show
