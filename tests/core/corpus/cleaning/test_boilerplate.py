"""Boilerplate: lines of web pages that are no text."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.corpus.cleaning.boilerplate import HINTS, MENU_WORDS, remove_boilerplate

LINES = [
    "We use cookies to give you the best experience on our website.",
    "You must enable JavaScript to view this page.",
    "JavaScript is required to use this site",
    "Copyright © 2019 Example Ltd. All rights reserved.",
    "© 2021 The Example Times",
    "Skip to main content",
    "Share this post",
    "Share on Facebook",
    "Follow us on Twitter",
    "Subscribe to our weekly newsletter",
    "Back to top",
    "Home | About | Contact",
    "Home > News > Contact us",
    "版权所有 © 2020 某某公司",
    "上一篇：春天来了",
    "下一篇：没有了",
    "上一篇 下一篇",
    "点击阅读原文",
    "责任编辑：李明",
    "扫码关注我们",
    "长按二维码关注公众号",
    "未经授权不得转载",
    "京ICP备12345678号-1",
    "分享到：微信 微博",
    "首页 > 新闻 > 正文",
    "登录 | 注册 | 帮助",
    "【打印本页】 【关闭窗口】",
    "« Previous | Next »",
    "请开启JavaScript后重新访问",
    "本网站使用Cookie来改善您的体验",
]


@pytest.mark.parametrize("line", LINES)
def test_a_line_that_is_no_text_goes(line):
    assert remove_boilerplate(f"The story begins.\n{line}\nIt goes on.") == "The story begins.\nIt goes on."


def test_words_of_a_menu_go_together():
    assert remove_boilerplate("Home\nAbout us\n\nLog in\nThe story begins.\nNext") == "The story begins.\nNext"
    assert remove_boilerplate("故事开始了。\n首页\n关于我们\n") == "故事开始了。\n"


@pytest.mark.parametrize(
    "text",
    [
        "Home\n\nThere is no place like it.",
        "She put the cookies into the oven and set the table.",
        "JavaScript is a language of the web, and so is TypeScript.",
        "| Home | About | Contact |\n|---|---|---|",
        "He said: share on, share alike.\nThey must share this land between them for ever.",
        "He wrote about copyright in the age of print.",
        "编辑部的故事：第一集讲的是一位老编辑。",
        "他点击鼠标，阅读着原文，想起了往事。",
        "下一页写满了他的名字，他却没有再看。",
        "I log in to the server.\n    more log | less",
        "Browsers that do not support ES5 will require a JavaScript shim.",
        "JavaScript is not required for the basics, only for synchronisation.",
        "Keep reading a resource that keeps being updated.",
        "它支持使用 HTTP cookie 持续连接，能负载均衡。",
        "一个图形软件，能从图像文件中扫描 QR 码进行解码，或使用摄像头扫描一个已打印的二维码。",
        "在某些国家，未经特别许可使用任何加密技术都可能是非法的。",
        "打开文件并关闭窗口",
        "上一页/下一页按钮重叠区域：",
        "Login to SmugMug web service using email and password.",
        "在此输入照片的版权所有者信息。",
        "他关注了一个公众号，每天都看。",
        "请关注下一篇文章里的故事。",
    ],
)
def test_text_about_such_things_stays(text):
    assert remove_boilerplate(text) == text


PIECES = st.sampled_from([*LINES, *sorted(MENU_WORDS), *HINTS, "", "A line of text.", "一行字。", "a | b | c"])


@given(lines=st.lists(PIECES, max_size=12))
def test_a_second_time_changes_nothing(lines):
    once = remove_boilerplate("\n".join(lines))
    assert remove_boilerplate(once) == once


def test_nothing_of_a_real_book_and_old_poems_goes(real_text):
    book = real_text("kjv.txt").read_text()
    poems = gzip.decompress(real_text("tang-poems.txt.gz").read_bytes()).decode()
    assert remove_boilerplate(book) == book and remove_boilerplate(poems) == poems
