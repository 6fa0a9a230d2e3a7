"""Finds the pictures that a call made: figures left open, shown or saved, images, animations."""

from __future__ import annotations

import io
import sys
import time
import weakref
from collections.abc import Sized
from typing import Any, Callable, NamedTuple

MAX_IMAGES = 16
# Of an animation of known length so many frames are shown, spread over all of it.
ANIMATION_FRAMES = 60
# Of a moving picture without a known end so many are sent; the host keeps the last ones.
MAX_FRAMES = 600

Send = Callable[[str, bytes], None]


class _Film(NamedTuple):
    """An animation that the call itself saves: its frames are shown as they are drawn."""

    figure: Any
    every: int


class Pictures:
    """Collects during one call at a time. `send_image` and `send_frame` take a MIME type and bytes."""

    def __init__(self, send_image: Send, send_frame: Send) -> None:
        self._send_image = send_image
        self._send_frame = send_frame
        # Whatever is not imported yet is looked for before each call.
        self._unpatched: dict[str, Callable[[Any], None]] = {
            "matplotlib.pyplot": self._patch_pyplot,
            "matplotlib.figure": self._patch_figure,
            "matplotlib.animation": self._patch_animation,
            "PIL.Image": self._patch_pillow,
        }
        self.begin()

    def begin(self) -> None:
        self.images = 0
        self.frames = 0
        self._frames_sent = 0
        self._saved: list[Any] = []
        self._animations: list[Any] = []
        self._film: _Film | None = None
        # By reference: another figure may get the place in memory of one that is gone.
        self._done: weakref.WeakSet[Any] = weakref.WeakSet()
        self._collecting = False
        self._patch()

    def value(self, value: object) -> None:
        """The last expression's value, when it can draw itself."""
        if isinstance(value, type):
            return
        figures = sys.modules.get("matplotlib.figure")
        if figures is not None and isinstance(value, figures.Figure):
            self._saved.append(value)
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

    def discard(self) -> None:
        """For a call that was stopped: nothing of it is drawn any more, also not by the next one."""
        self._saved, self._animations = [], []
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is not None:
            pyplot.close("all")

    def _image(self, data: bytes) -> None:
        if self.images < MAX_IMAGES:
            self._send_image("image/png", data)
        self.images += 1

    def _send_open_figures(self) -> None:
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is None:
            return
        numbers = pyplot.get_fignums()
        for number in numbers:
            self._send_figure(pyplot.figure(number))
        if numbers:
            pyplot.close("all")

    def _send_figure(self, figure: Any) -> None:
        if figure in self._done or self.images >= MAX_IMAGES:
            return
        self._done.add(figure)
        self._image(self._drawn(figure, format="png", bbox_inches="tight"))

    def _send_frame_of(self, figure: Any, every: int = 1) -> None:
        self.frames += 1
        if (self.frames - 1) % every == 0 and self._frames_sent < MAX_FRAMES:
            self._frames_sent += 1
            self._send_frame("image/jpeg", self._drawn(figure, format="jpeg"))

    def _drawn(self, figure: Any, **options: str) -> bytes:
        buffer = io.BytesIO()
        collecting, self._collecting = self._collecting, True
        try:
            figure.savefig(buffer, **options)
        finally:
            self._collecting = collecting
        return buffer.getvalue()

    def _send_animation(self, animation: Any) -> None:
        pictures, every = self, _every(animation)
        writer: Any = sys.modules["matplotlib.animation"].AbstractMovieWriter

        class FrameCollector(writer):  # type: ignore[misc]
            def setup(self, fig: Any, outfile: str, dpi: float | None = None) -> None:
                self.fig = fig

            def grab_frame(self, **_: object) -> None:
                pictures._send_frame_of(self.fig, every)

            def finish(self) -> None:
                pass

        figure = getattr(animation, "_fig", None)
        if figure is None:
            return
        self._done.add(figure)
        self._saved.append(figure)
        animation.save("frames", writer=FrameCollector())

    def _patch(self) -> None:
        for name in [name for name in self._unpatched if sys.modules.get(name) is not None]:
            self._unpatched.pop(name)(sys.modules[name])

    def _patch_pyplot(self, pyplot: Any) -> None:
        # A plain function: pyplot writes attributes on it when it changes its backend.
        def show(*_: object, **__: object) -> None:
            self._send_open_figures()

        def pause(interval: float) -> None:
            if pyplot.get_fignums():
                self._send_frame_of(pyplot.gcf())
            time.sleep(interval)

        pyplot.show = show
        pyplot.pause = pause

    def _patch_figure(self, module: Any) -> None:
        original = module.Figure.savefig
        pictures = self

        def savefig(figure: Any, *arguments: Any, **options: Any) -> Any:
            if not pictures._collecting and figure not in pictures._saved[:MAX_IMAGES]:
                pictures._saved.append(figure)
                del pictures._saved[MAX_IMAGES:]
            result = original(figure, *arguments, **options)
            film = pictures._film
            if film is not None and film.figure is figure and not pictures._collecting:
                pictures._send_frame_of(figure, film.every)
            return result

        savefig.__doc__ = original.__doc__
        module.Figure.savefig = savefig
        module.Figure.show = lambda figure, *_, **__: pictures._send_figure(figure)

    def _patch_animation(self, module: Any) -> None:
        original = module.Animation.__init__
        pictures = self

        def initialise(animation: Any, *arguments: Any, **options: Any) -> None:
            original(animation, *arguments, **options)
            # A second animation of the call would double its time; the last one made is the one meant.
            pictures._animations = [animation]

        module.Animation.__init__ = initialise
        save = module.Animation.save

        def save_and_show(animation: Any, *arguments: Any, **options: Any) -> Any:
            if pictures._collecting:
                return save(animation, *arguments, **options)
            # Its functions may not bear being run twice: what is saved is what is shown.
            pictures._animations = [other for other in pictures._animations if other is not animation]
            pictures._film = _Film(animation._fig, _every(animation))
            pictures._done.add(animation._fig)
            try:
                return save(animation, *arguments, **options)
            finally:
                pictures._film = None

        save_and_show.__doc__ = save.__doc__
        module.Animation.save = save_and_show

    def _patch_pillow(self, module: Any) -> None:
        def show(image: Any, *_: object, **__: object) -> None:
            self.value(image)

        module.Image.show = show


def _every(animation: Any) -> int:
    """1 to show every frame, 2 for every second one, as its length asks for."""
    frames = getattr(animation, "_framedata", None)
    count = len(frames) if isinstance(frames, Sized) else getattr(animation, "save_count", None)
    return max(1, -(-count // ANIMATION_FRAMES)) if isinstance(count, int) else 1
