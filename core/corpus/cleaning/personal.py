"""The step that masks personal data and secrets: e-mail addresses, phone, identity and card numbers, passwords."""

from __future__ import annotations

import re
from collections.abc import Callable

_ADDRESS = (
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9_%+-][A-Za-z0-9._%+-]{0,63}"
    r"@(?:[A-Za-z0-9][A-Za-z0-9-]{0,62}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9_@-])"
)
_EMAIL = re.compile(f"<{_ADDRESS}>|{_ADDRESS}")
# Secrets that are known by their beginnings: Amazon, GitHub, GitLab, Slack, Google, OpenAI and others, signed tokens.
_KEY = re.compile(
    r"""
    -----BEGIN\ (?:[A-Z]+\ )*PRIVATE\ KEY(?:\ BLOCK)?-----[\s\S]{0,20000}?
    -----END\ (?:[A-Z]+\ )*PRIVATE\ KEY(?:\ BLOCK)?-----
    | (?<![A-Za-z0-9_-])(?:
        (?:AKIA|ASIA)[0-9A-Z]{16}
        | gh[pousr]_[A-Za-z0-9]{36,255} | github_pat_[A-Za-z0-9_]{22,255} | glpat-[A-Za-z0-9_-]{20,255}
        | xox[abeoprs]-[A-Za-z0-9-]{10,255}
        | AIza[0-9A-Za-z_-]{35}
        | sk-(?:[a-z]+-)?[A-Za-z0-9_-]{20,255} | sk_live_[A-Za-z0-9]{16,255} | hf_[A-Za-z0-9]{30,255}
        | eyJ[A-Za-z0-9_-]{8,4096}\.eyJ[A-Za-z0-9_-]{8,8192}\.[A-Za-z0-9_-]{8,4096}
    )(?![A-Za-z0-9_-])
    """,
    re.VERBOSE,
)
_KEY_HINTS = ("-----BEGIN", "AKIA", "ASIA", "gh", "glpat", "xox", "AIza", "sk-", "sk_live_", "hf_", "eyJ")
_ASSIGNED = re.compile(
    r"(?P<name>(?:password|passwd|passphrase|pwd|secret|api[_ -]?key|access[_ -]?key|token|密码|口令|密钥)[\"']?"
    r"[ \t]{0,3}[=:：][ \t]{0,3})(?P<quote>[\"']?)(?P<value>[^\s\"'<>(){}，。；]{6,256})",
    re.IGNORECASE,
)
_ASSIGNED_HINTS = ("passw", "passphrase", "pwd", "secret", "key", "token", "密码", "口令", "密钥")

_DIGITS = re.compile(r"\d{3}|\d-\d|\d \d")
_IDENTITY = re.compile(
    r"(?<![A-Za-z0-9_-])[1-9]\d{5}(?:18|19|20)\d{2}(?:0\d|1[0-2])[0-3]\d\d{3}[\dXx](?![A-Za-z0-9_-])"
)
_SOCIAL_SECURITY = re.compile(r"(?<![A-Za-z0-9_-])\d{3}-\d{2}-\d{4}(?![A-Za-z0-9_-])")
_BANK_ACCOUNT = re.compile(
    r"(?<![A-Za-z0-9_-])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9_-])"
)
_MESSENGER = re.compile(r"(?<![A-Za-z])(?P<name>(?:QQ|qq|微信)(?:号码|号|群)?[:： ]{0,2})[1-9]\d{4,10}(?!\d)")
_CARD = re.compile(
    r"(?<![A-Za-z0-9_.-])(?:3[47]\d{2}([ -]?)\d{6}\1\d{5}"
    r"|[2-6]\d{3}([ -]?)\d{4}\2\d{4}\2\d{4}(?:\2\d{3})?)(?![A-Za-z0-9_-])"
)
# Numbers that tell by their form that they are a telephone's: with a country, a Chinese mobile, a Chinese landline, the
# American groups; and any after a word such as Tel. or 电话.
_PHONE = re.compile(
    r"""
    (?P<world>(?<![A-Za-z0-9_+])\+[ ]?\d(?:[ ().-]{0,2}\d){6,14}(?!\d))
    | (?P<CN>(?<![A-Za-z0-9_.-])(?:1[3-9]\d([ -]?)\d{4}\3\d{4}|\(?0\d{2,3}\)?[ -]\d{7,8})(?![A-Za-z0-9_-]))
    | (?P<US>(?<![A-Za-z0-9_.-])(?:1[ .-])?(?:\(\d{3}\)[ ]?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![A-Za-z0-9_-]))
    | (?<![A-Za-z])(?:[Tt]el|TEL|[Tt]elephone|[Pp]hone|[Mm]obile|[Ff]ax|电话|電話|手机|手機|热线|传真)
      (?:[ ]?(?:no|number|号码)?\.?)[ ]?[:：]?[ ]?(?P<named>\(?\d(?:[ ().-]{0,2}\d){6,14})(?!\d)
    """,
    re.VERBOSE,
)


def mask_personal_data(text: str) -> str:
    """With <EMAIL>, <PHONE>, <ID>, <CARD> and <KEY> in place of what they name.

    Numbers are masked when their check digits (python-stdnum) or the numbering plan of their country (phonenumbers)
    say that they can be what they look like; years, prices, verses and ISBNs stay.
    """
    if any(hint in text for hint in _KEY_HINTS):
        text = _KEY.sub("<KEY>", text)
    lowered = text.lower()
    if any(hint in lowered for hint in _ASSIGNED_HINTS):
        text = _ASSIGNED.sub(_mask_assigned, text)
    if "@" in text:
        text = _EMAIL.sub("<EMAIL>", text)
    if _DIGITS.search(text):
        text = _mask_numbers(text)
    return text


def _mask_assigned(match: re.Match[str]) -> str:
    """A password has a figure and a letter, or stands in quotes; else it is a word of a sentence, or a variable."""
    value = match["value"]
    secret = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return match["name"] + match["quote"] + "<KEY>" if secret or match["quote"] else match[0]


def _mask_numbers(text: str) -> str:
    text = _masked(_IDENTITY, "<ID>", _is_identity, text)
    text = _masked(_SOCIAL_SECURITY, "<ID>", _is_social_security, text)
    text = _masked(_BANK_ACCOUNT, "<ID>", _is_bank_account, text)
    text = _masked(_CARD, "<CARD>", _is_card, text)
    text = _MESSENGER.sub(r"\g<name><ID>", text)
    return _PHONE.sub(_mask_phone, text)


def _masked(pattern: re.Pattern[str], mask: str, is_one: Callable[[str], bool], text: str) -> str:
    return pattern.sub(lambda match: mask if is_one(match[0]) else match[0], text)


def _is_identity(number: str) -> bool:
    from stdnum.cn import ric

    return ric.is_valid(number)


def _is_social_security(number: str) -> bool:
    from stdnum.us import ssn

    return ssn.is_valid(number)


def _is_bank_account(number: str) -> bool:
    from stdnum import iban

    return iban.is_valid(number)


def _is_card(number: str) -> bool:
    from stdnum import luhn

    return luhn.is_valid(number.replace(" ", "").replace("-", ""))


def _mask_phone(match: re.Match[str]) -> str:
    named = match["named"]
    if named:
        return match[0][: -len(named)] + "<PHONE>"
    region = "CN" if match["CN"] else "US" if match["US"] else None
    return "<PHONE>" if _is_phone(match[0], region) else match[0]


def _is_phone(number: str, region: str | None) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False
