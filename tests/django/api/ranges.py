"""A resource of any size whose every byte is known, served whole or by one range (RFC 9110, 14)."""

import hashlib
import re

from django.http import HttpResponse, StreamingHttpResponse

# Its length is prime, so a piece put back at a wrong offset, or twice, changes the bytes.
BLOCK = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(2049))[:65537]


def content(first, end):
    while first < end:
        at = first % len(BLOCK)
        piece = BLOCK[at : at + end - first]
        yield piece
        first += len(piece)


def wanted(header, size):
    """(first, end) of the one range asked for; None: send it all; (0, 0): not satisfiable."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header)
    if not match or match.group() == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        first, end = max(0, size - int(last)), size
    else:
        first, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < first:
            return None
    return (first, end) if first < end else (0, 0)


def respond(request, size):
    etag = f'"size-{size}"'
    header = request.headers.get("Range", "")
    if request.headers.get("If-Range", etag) != etag:
        header = ""
    part = wanted(header, size) if request.method == "GET" else None
    if part == (0, 0):
        response = HttpResponse(status=416)
        response["Content-Range"] = f"bytes */{size}"
        return response

    first, end = part or (0, size)
    body = () if request.method == "HEAD" else content(first, end)
    response = StreamingHttpResponse(
        body, status=206 if part else 200, content_type="application/octet-stream"
    )
    response["Content-Length"] = end - first
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = etag
    if part:
        response["Content-Range"] = f"bytes {first}-{end - 1}/{size}"
    return response
