"""Crypto addresses: is what somebody typed an address of its network? Checked by its checksum, kept in one spelling (P15).

EVM: EIP-55, a mixed-case address carries a checksum in its letters. Bitcoin: base58check, bech32 (BIP 173) and bech32m (BIP 350).
Tron: base58check with prefix 0x41. Solana: base58 of 32 bytes, which has no checksum.
"""

import hashlib
import re
from collections.abc import Callable, Iterable

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_SUM, _BECH32M_SUM = 1, 0x2BC830A3


class NoAddress(ValueError):
    """Not an address of this network. Its text says what is wrong, for people."""


def normal_address(network: str, text: str) -> str:
    """The one spelling of an address. Raises NoAddress; KeyError for a network we don't know."""
    return NETWORKS[network](text.strip())


def same_address(one: str, other: str) -> bool:
    """Letters of an EVM address may be of either case; elsewhere they say something."""
    if one == other:
        return True
    try:
        return normal_address("ethereum", one) == normal_address("ethereum", other)
    except NoAddress:
        return False


# --- EVM -------------------------------------------------------------------------------------------------------------------


def _evm(text: str) -> str:
    if not re.fullmatch(r"0x[0-9a-fA-F]{40}", text):
        raise NoAddress("An address here is 0x and 40 digits of 0–9 and a–f.")
    plain = text[2:].lower()
    if not int(plain, 16):
        raise NoAddress("This is the address that nobody owns.")
    spelled = "0x" + "".join(
        letter.upper() if int(digit, 16) >= 8 else letter
        for letter, digit in zip(plain, keccak256(plain.encode()).hex(), strict=False)
    )
    if text[2:] not in (plain, plain.upper(), spelled[2:]):
        raise NoAddress("A letter of it is wrong: its checksum doesn't fit. Copy it again.")
    return spelled


_ROUNDS = (
    0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000, 0x000000000000808B, 0x0000000080000001,
    0x8000000080008081, 0x8000000000008009, 0x000000000000008A, 0x0000000000000088, 0x0000000080008009, 0x000000008000000A,
    0x000000008000808B, 0x800000000000008B, 0x8000000000008089, 0x8000000000008003, 0x8000000000008002, 0x8000000000000080,
    0x000000000000800A, 0x800000008000000A, 0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
)  # fmt: skip
_OFFSETS = (
    (0, 36, 3, 41, 18), (1, 44, 10, 45, 2), (62, 6, 43, 15, 61), (28, 55, 25, 21, 56), (27, 20, 39, 8, 14),
)  # fmt: skip
_WORD = (1 << 64) - 1
_RATE = 136  # bytes of a block of Keccak-256


def keccak256(message: bytes) -> bytes:
    """Keccak as Ethereum has it: padded with 0x01, where SHA3-256 of the standard library pads with 0x06."""
    padded = bytearray(message + b"\x01" + b"\x00" * (-(len(message) + 1) % _RATE))
    padded[-1] |= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for start in range(0, len(padded), _RATE):
        for index in range(_RATE // 8):
            at = start + 8 * index
            lanes[index % 5][index // 5] ^= int.from_bytes(padded[at : at + 8], "little")
        _permute(lanes)
    return b"".join(lanes[x][0].to_bytes(8, "little") for x in range(4))


def _permute(lanes: list[list[int]]) -> None:
    """Keccak-f[1600], the five steps of the specification."""
    for constant in _ROUNDS:
        sums = [column[0] ^ column[1] ^ column[2] ^ column[3] ^ column[4] for column in lanes]
        for x in range(5):
            mixed = sums[(x - 1) % 5] ^ _turn(sums[(x + 1) % 5], 1)
            lanes[x] = [lane ^ mixed for lane in lanes[x]]
        moved = [[0] * 5 for _ in range(5)]
        for x in range(5):
            for y in range(5):
                moved[y][(2 * x + 3 * y) % 5] = _turn(lanes[x][y], _OFFSETS[x][y])
        for x in range(5):
            for y in range(5):
                lanes[x][y] = moved[x][y] ^ (~moved[(x + 1) % 5][y] & _WORD & moved[(x + 2) % 5][y])
        lanes[0][0] ^= constant


def _turn(lane: int, by: int) -> int:
    return ((lane << by) | (lane >> (64 - by))) & _WORD


# --- base58 ----------------------------------------------------------------------------------------------------------------


def _base58(text: str) -> bytes:
    if not text or len(text) > 64 or any(letter not in _BASE58 for letter in text):
        raise NoAddress("This has letters that no address here has.")
    number = 0
    for letter in text:
        number = number * 58 + _BASE58.index(letter)
    zeros = len(text) - len(text.lstrip("1"))
    return b"\x00" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _base58check(text: str, prefixes: Iterable[int]) -> str:
    raw = _base58(text)
    body, check = raw[:-4], raw[-4:]
    if hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4] != check:
        raise NoAddress("A letter of it is wrong: its checksum doesn't fit. Copy it again.")
    if len(body) != 21 or body[0] not in prefixes:
        raise NoAddress("This is an address of another network.")
    return text


def _tron(text: str) -> str:
    return _base58check(text, (0x41,))


def _solana(text: str) -> str:
    if len(_base58(text)) != 32:
        raise NoAddress("An address here is 32 bytes in base58.")
    return text


# --- bitcoin ---------------------------------------------------------------------------------------------------------------


def _bitcoin(text: str) -> str:
    if text.lower().startswith("bc1"):
        return _bech32(text)
    return _base58check(text, (0x00, 0x05))


def _bech32(text: str) -> str:
    lower = text.lower()
    if text not in (lower, text.upper()) or not 14 <= len(text) <= 90 or any(c not in _BECH32 for c in lower[3:]):
        raise NoAddress("This has letters that no address here has.")
    values = [_BECH32.index(letter) for letter in lower[3:]]
    version, total = values[0], _polymod([3, 3, 0, 2, 3, *values])  # 3, 3, 0, 2, 3 is "bc", as the checksum reads it
    if total != (_BECH32_SUM if version == 0 else _BECH32M_SUM):
        raise NoAddress("A letter of it is wrong: its checksum doesn't fit. Copy it again.")
    program = _bytes_of(values[1:-6])
    if version > 16 or not 2 <= len(program) <= 40 or (version == 0 and len(program) not in (20, 32)):
        raise NoAddress("This is no address that bitcoin knows.")
    return lower


def _polymod(values: Iterable[int]) -> int:
    total = 1
    for value in values:
        top = total >> 25
        total = (total & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            if top >> bit & 1:
                total ^= generator
    return total


def _bytes_of(fives: Iterable[int]) -> bytes:
    """Groups of five bits as bytes; what is left over is padding of zeros."""
    bits = "".join(f"{five:05b}" for five in fives)
    whole = len(bits) - len(bits) % 8
    if len(bits) - whole >= 5 or "1" in bits[whole:]:
        raise NoAddress("This is no address that bitcoin knows.")
    return bytes(int(bits[at : at + 8], 2) for at in range(0, whole, 8))


NETWORKS: dict[str, Callable[[str], str]] = {
    "ethereum": _evm, "polygon": _evm, "bnb": _evm, "bitcoin": _bitcoin, "tron": _tron, "solana": _solana,
}  # fmt: skip
