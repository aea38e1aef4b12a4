"""From a tree of HTML to text: no word is lost, and none runs into another."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.corpus.readers.markup import parse_html, parse_xhtml, visible_text

TAGS = ("p", "td", "table", "tr", "li", "ol", "pre", "br", "div", "h1", "code")
MARKS = [f"<{tag}>" for tag in TAGS] + [f"</{tag}>" for tag in TAGS]


@given(st.lists(st.sampled_from([*MARKS, "word", "字", "\n", " "]), max_size=60))
def test_any_order_of_marks_keeps_every_word(parts):
    root = parse_html("".join(["<body>", *parts]))
    text = visible_text(root)
    assert text.count("word") == parts.count("word") and text.count("字") == parts.count("字")
    assert not re.search(r"\n{3}|^\n|\n$", text)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<p>one <b>two</b>, <i>three</i></p>", "one two, three"),
        ("<p>one<br>two</p>", "one\ntwo"),
        ("<p>  one\n  two  </p>", "one two"),
        ("<p>一\n二</p>", "一二"),
        ("<div>one<div>two</div>three</div>", "one\n\ntwo\n\nthree"),
        ("<ul><li>one<ul><li>two</li></ul></li><li>three</li></ul>", "- one\n  - two\n- three"),
        ("<p>before</p><ol start=9><li>nine<li>ten</ol><p>after</p>", "before\n\n9. nine\n10. ten\n\nafter"),
        ("<dl><dt>word</dt><dd>what it means</dd></dl>", "word\nwhat it means"),
        ("<table><tr><td><p>a</p></td><td>b<br>c</td></tr><tr><td></td><td>d</td></tr></table>", "a\tb c\n\td"),
        ("<table><tr><td><table><tr><td>a</td><td>b</td></tr></table></td><td>c</td></tr></table>", "a\tb\n\nc"),
        ("<pre>if x:\n    y()\n\n    z()</pre>", "if x:\n    y()\n\n    z()"),
        ("<p>a <code>b c</code> d</p>", "a b c d"),
        ("<p>one</p><script>two</script><style>x</style><p style='display: none'>three</p>", "one"),
        ("<h2>Head<a class='headerlink' href='#h'>¶</a></h2>text", "Head\n\ntext"),
        ("<p>soft\xadly&nbsp;spoken</p>", "softly spoken"),
    ],
)
def test_text_comes_out_as_a_person_would_copy_it(page, text):
    assert visible_text(parse_html(f"<body>{page}")) == text
    assert visible_text(parse_xhtml(f"<body>{page}")) == text
