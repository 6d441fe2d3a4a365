"""A small HTTP load generator: one request over and over on kept connections; prints answers per second. Loopback only."""

import asyncio
import sys
import time


async def client(port: int, request: bytes, until: float, counts: list[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"not a 200: {head[:200]!r}")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        await reader.readexactly(int(length.split(b":")[1]))
        counts.append(1)
        if b"\r\nconnection: close" in head.lower():
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


async def main(port: int, connections: int, seconds: float, request: bytes) -> None:
    warm: list[int] = []
    await asyncio.gather(*(client(port, request, time.monotonic() + 1.5, warm) for _ in range(connections)))
    counts: list[int] = []
    started = time.monotonic()
    await asyncio.gather(*(client(port, request, started + seconds, counts) for _ in range(connections)))
    print(len(counts) / (time.monotonic() - started))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.stdin.buffer.read()))
