"""Odd texts, numbers and bytes, as they come in all kinds of input."""

import random

ODD_NUMBERS = (
    *("0", "-0", "-1", "1", "2", "0.5", "-0.5", "1.0", "1e0", "1e-46", "1e-320"),
    *("nan", "NaN", "inf", "-inf", "Infinity", "1e38", "3.5e38", "1e39", "-1e39"),
    *("1e308", "1e400", "127", "128", "2147483647", "2147483648", "-2147483649"),
    *("4294967295", "4294967296", "9223372036854775807", "9223372036854775808"),
    *("18446744073709551616", "3000000000", "1_000", "0x10", "1,5", "٣", "1e", "--1"),
    *("+1", " 1", "1 ", "1.5e3", "16777217", "0.1", "00", "07", "1" * 400, "1e10"),
)
ODD_TEXTS = (
    *("", " ", "none", "None", "null", "true", "\t", ",", ",,", "a,", ",a", "a,,b"),
    *("=", "=1+1", "-", "--", "@x", ":", "0:", ":1", "1:1", "5:1"),
    *("0:9" + "0" * 10, "~", "~nosuch/x"),
    *("é", "e\u0301", "\ufeffx", "日本", "\U0001f600", "\u202eabc", "\u2028", "\x00"),
    *("\x1b[31mred", "\r", "\n", "a\nb", "\x7f", "\x85", "\ud800", '"', "'", '""'),
    *("%s", "{}", "{0}", "$HOME", "`id`", "\\", "\\n", "x" * 300, "y" * 5000, "#"),
)


def odd_text(source: random.Random) -> str:
    """A text that is unusual as a value."""
    draw = source.random()
    if draw < 0.4:
        return source.choice(ODD_NUMBERS)
    if draw < 0.8:
        return source.choice(ODD_TEXTS)
    if draw < 0.9:
        return source.choice(ODD_TEXTS) + source.choice(ODD_NUMBERS)
    alphabet = "ab01 ,;=.-:\t\"'é\x00\x1b"
    return "".join(source.choices(alphabet, k=source.randint(1, 12)))


def damage(content: bytes, source: random.Random) -> bytes:
    """Changes a few bytes: turns, cuts, repeats, joins or replaces pieces."""
    damaged = bytearray(content)
    for _ in range(source.choice((1, 1, 1, 2, 4))):
        start = source.randrange(len(damaged) + 1)
        end = min(len(damaged), start + source.choice((0, 1, 2, 8, 64, 1000)))
        change = source.randrange(6)
        if change == 0 and start < len(damaged):
            damaged[start] ^= 1 << source.randrange(8)
        elif change == 1:
            del damaged[start:]
        elif change == 2:
            del damaged[start:end]
        elif change == 3:
            place = source.randrange(len(damaged) + 1)
            damaged[place:place] = damaged[start:end]
        elif change == 4:
            damaged[start:end] = source.randbytes(source.choice((1, 2, 8, 64)))
        else:
            text = odd_text(source).encode("utf-8", "surrogatepass")
            damaged[start:end] = text
    return bytes(damaged)
