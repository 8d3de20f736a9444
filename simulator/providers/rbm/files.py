"""
Files that the integrator gave us, by URL or as bytes; only their kinds and sizes are kept.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["FILE_BYTES_MAX", "MEDIA_TYPES", "File", "Files", "Upload"]

FILE_BYTES_MAX: Final = 104_857_600
_KEPT_MS: Final = 60 * 86_400_000
_FILES_MAX: Final = 100_000
_UPLOADS_MAX: Final = 1_000

MEDIA_TYPES: Final = frozenset(
    {
        *(f"image/{kind}" for kind in ("jpeg", "jpg", "gif", "png")),
        *(f"audio/{kind}" for kind in ("aac", "mp3", "mpeg", "mpg", "mp4", "mp4-latm", "3gpp", "ogg")),
        "application/ogg",
        *(f"video/{kind}" for kind in ("h263", "m4v", "mp4", "mpeg", "mpeg4", "webm")),
        "application/pdf",
    }
)
"""What may be uploaded.  Source: "Send messages", supported media types."""


class File(NamedTuple):
    """
    A file as far as a simulation needs it.
    """

    name: str
    media_type: str
    """Empty for a file by URL, which is never fetched; its size is 0 then."""
    size: int
    at_ms: int


class Upload(NamedTuple):
    """
    A resumable upload under way.
    """

    id: str
    media_type: str
    received: int = 0


class Files:
    """
    Files of a space; each is forgotten after 60 days.
    """

    __slots__ = ("_files", "_uploads", "count")

    def __init__(self) -> None:
        self._files: dict[str, File] = {}
        self._uploads: dict[str, Upload] = {}
        self.count = 0
        """How many names were given so far, which is what the next one is drawn from."""

    def keep(self, file: File) -> None:
        """Remember a file, forgetting the oldest when there are too many."""
        self._files[file.name] = file
        if len(self._files) > _FILES_MAX:
            del self._files[next(iter(self._files))]

    def find(self, name: str, now_ms: int) -> File | None:
        """Return the file of this name that was given less than 60 days ago, or None."""
        file = self._files.get(name)
        return file if file is not None and file.at_ms > now_ms - _KEPT_MS else None

    def begin(self, upload: Upload) -> None:
        """Remember a resumable upload."""
        self._uploads[upload.id] = upload
        if len(self._uploads) > _UPLOADS_MAX:
            del self._uploads[next(iter(self._uploads))]

    def upload(self, upload_id: str) -> Upload | None:
        """Return a resumable upload under way, or None."""
        return self._uploads.get(upload_id)

    def grow(self, upload: Upload, size: int) -> Upload:
        """Take note of *size* further bytes."""
        grown = upload._replace(received=upload.received + size)
        self._uploads[upload.id] = grown
        return grown

    def end(self, upload: Upload) -> None:
        """Forget a resumable upload."""
        self._uploads.pop(upload.id, None)
