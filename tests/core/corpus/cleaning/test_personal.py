"""Personal data: masked where it is what it looks like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.corpus.cleaning.personal import mask_personal_data

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


@pytest.mark.parametrize(
    ("raw", "masked"),
    [
        ("Write to jane.doe+x@mail.example.co.uk.", "Write to <EMAIL>."),
        ("邮箱：li.ming@example.com，谢谢", "邮箱：<EMAIL>，谢谢"),
        ("请联系zhang@163.com获取", "请联系<EMAIL>获取"),
        ("Jane <jane@example.com>", "Jane <EMAIL>"),
        ("联系QQ 282369262，QQ群：12345678", "联系QQ <ID>，QQ群：<ID>"),
        ("Call +44 20 7946 0958 now", "Call <PHONE> now"),
        ("Call (212) 555-2368 or 212-736-5000", "Call <PHONE> or <PHONE>"),
        ("手机13812345678，座机010-62751234", "手机<PHONE>，座机<PHONE>"),
        ("+86 138 1234 5678", "<PHONE>"),
        ("Tel: 020 7946 0958.", "Tel: <PHONE>."),
        ("电话：6275 1234", "电话：<PHONE>"),
        ("身份证号11010519491231002X。", "身份证号<ID>。"),
        ("SSN 536-90-4399", "SSN <ID>"),
        ("IBAN GB82 WEST 1234 5698 7654 32", "IBAN <ID>"),
        ("DE89370400440532013000", "<ID>"),
        ("card 4111 1111 1111 1111, 378282246310005", "card <CARD>, <CARD>"),
        ("卡号4111111111111111", "卡号<CARD>"),
        (f"key {'AKIA' + 'IOSFODNN7EXAMPLE'}", "key <KEY>"),
        (f"{'gh' + 'p_'}{LETTERS} and {'xox' + 'b-123456789012-abc'}", "<KEY> and <KEY>"),
        (f"{'sk' + '-proj-'}{LETTERS}", "<KEY>"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc=\n-----END RSA PRIVATE KEY-----\nrest", "<KEY>\nrest"),
        (f"{'ey' + 'J'}hbGciOiJI.{'ey' + 'J'}zdWIiOiIx.abcdefgh_-1", "<KEY>"),
        ("password=hunter22 and API_KEY: 'abcdefgh'", "password=<KEY> and API_KEY: '<KEY>'"),
        ("密码：abc12345", "密码：<KEY>"),
    ],
)
def test_what_is_masked(raw, masked):
    assert mask_personal_data(raw) == masked
    assert mask_personal_data(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "In 1914-1918, 1,234,567 people; $12,345.67 and 10000000000 euros.",
        "ISBN 978-0-306-40615-7, ISBN 0306406152, ISBN-13: 9780306406157",
        "John 3:16-18; Genesis 12 1-3; verses 119 120 1211",
        "3.14159265358979, 192.168.0.1, 2024-01-15 12:30:45, version 10.15.7",
        "price 4111-2222 tons; order 1234567890123456",  # fails the check digit
        "@home, user@localhost, a @ b.com",
        "The password: required. A secret: nobody knew. token = get_token()",
        "他的密码：谁也不知道",
        "2008年8月8日8时8分，共有13812345人参加，编号110105194912310021",
        "圆周率3.1415926535897932384626",
        "The risk-management-of-everything-and-more",
    ],
)
def test_what_only_looks_like_it_stays(text):
    assert mask_personal_data(text) == text


@given(text=st.text(st.sampled_from("0123456789-. ()+@a.comA_<>=:'\n")) | st.text())
def test_a_second_time_changes_nothing(text):
    once = mask_personal_data(text)
    assert mask_personal_data(once) == once


def test_nothing_of_a_real_book_is_masked(real_text):
    book = real_text("kjv.txt").read_text()
    assert mask_personal_data(book) == book
