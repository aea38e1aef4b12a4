"""The step that removes the lines around the text of a web page: menus, banners, notices, in English and Chinese."""

from __future__ import annotations

import re

LONGEST_LINE = 300  # characters; a longer line is a paragraph of its own, whatever it says

# A line that is boilerplate by what it says: each alternative is the whole of it. It is asked only of a line that has
# one of HINTS.
_CERTAIN = re.compile(
    r"""
    .*\b(?:we|(?:this|our)\ (?:web)?site|your\ browser)\b.*\b(?:uses?|accept|store|enable)\b.{0,30}\bcookies?\b.*
    | .{0,20}\bcookies?\ (?:policy|settings|preferences|consent|notice)\b.{0,20}
    | .{0,80}\b(?:enable|turn\ on|activate)\ javascript\b.{0,80}
    | .{0,80}\bjavascript\ (?:is|must\ be|to\ be|has\ been)\ (?:enabled|required|disabled|turned\ off)\b.{0,80}
    | .{0,40}\b(?:requires\ javascript|browser\ does\ not\ support\ javascript)\b.{0,40}
    | .*\ball\ rights\ reserved\b.*
    | (?:©|\(c\)|copyright)\s.{0,80}\b(?:19|20)\d\d\b.{0,80}
    | skip\ to\ (?:main\ )?(?:content|navigation)
    | (?:share|tweet|pin|print|e-?mail)\ (?:this(?:\ (?:post|page|article|story))?|on\ \w+)(?:\s*[:!.])?
    | (?:click\ to\ )?share\ on\ \w+.{0,30}
    | follow\ us(?:\ on\ .{1,60})?[:.!]?
    | (?:please\ )?(?:subscribe|sign\ up)\ (?:to|for)\ our\ .{0,30}(?:newsletter|mailing\ list|channel|feed).{0,80}
    | (?:please\ )?(?:log|sign)[ -]?in\ (?:or\ (?:register|sign\ up)\ )?
      to\ (?:view|see|read|continue|post|comment|reply)\b.{0,60}
    | (?:you\ must\ be\ logged\ in|leave\ a\ (?:reply|comment)|your\ email\ address\ will\ not\ be).{0,120}
    | back\ to\ (?:the\ )?top
    | (?:continue|keep)\ reading(?:\s*[»→:…."“].{0,80})?
    | this\ page\ was\ last\ (?:edited|updated|modified).{0,80}
    | .*(?:版权所有(?![者人权的])|保留所有权利|保留一切权利).* | .*版权归.{0,20}所有.*
    | [【\[（(]?\s*[上下]一[篇页章条]\s*[】\]）)]?(?:[:：].*)?
    | 上一[篇页章条].{0,40}下一[篇页章条](?:[:：].*)?
    | [（(【\[]?\s*(?:点击|戳)?(?:这里)?(?:阅读|查看)(?:原文|全文|更多)[）)】\]>》…]*
    | [（(【\[]?\s*(?:责任编辑|责编|本文编辑)\s*[:：].{0,40}
    | .{0,10}(?:扫码|扫一扫|扫描|长按|识别).{0,15}(?:关注|公众号|下载(?:APP|客户端)).{0,15}
    | (?:请)?(?:微信)?(?:扫描|长按|识别).{0,6}二维码.{0,15}
    | .{0,10}(?:欢迎|请|点击|快来|微信).{0,6}关注.{0,20}(?:公众号|微信号|官方微信|官方微博).{0,20}
    | .{0,30}未经.{0,15}(?:授权|许可|允许|同意).{0,10}(?:不得|禁止|请勿|严禁).{0,20}
    | .{0,20}(?:禁止|不得|请勿|谢绝|严禁)转载.{0,10} | .{0,30}转载请(?:注明|联系).{0,40}
    | .*ICP[备证].{0,20}\d.*
    | .*公网安备.*\d.*
    | 分享[到至]\s*[:：]?.{0,40}
    | [【\[]?\s*返回顶部\s*[】\]]?
    | .{0,30}(?:请|需要|必须).{0,10}(?:开启|启用)\ ?javascript.{0,40}
    | .{0,20}(?:本网?站|我们|本页面).{0,20}使用.{0,10}cookies?.*
    """,
    re.VERBOSE | re.IGNORECASE,
)
HINTS = (
    *("cookie", "javascript", "rights reserved", "copyright", "©", "(c)", "skip to", "share", "tweet", "pin this"),
    *("pin on", "print this", "print on", "mail this", "mail on", "follow us", "subscribe", "sign up", "sign in"),
    *("sign-in", "signin", "log in", "login", "log-in", "logged in", "leave a", "your email", "back to", "reading"),
    *("was last", "版权", "权利", "上一", "下一", "阅读", "查看", "编辑", "责编", "扫码", "扫一扫", "扫描", "长按"),
    *("识别", "关注", "转载", "未经", "icp", "公网安备", "分享", "返回顶部"),
)
# Words of menus. One of them alone on a line may be a heading, so they go only together.
_MENU_WORDS = """
    home|menu|search|login|log in|log out|sign in|sign up|register|subscribe|share|tweet|print|comment|comments
    unsubscribe|site map|next|previous|prev|next page|previous page|next post|previous post
    about|about us|contact|contact us|help|faq
    sitemap|archive|archives|categories|tags|terms|terms of use|terms of service|privacy|privacy policy|cookie policy
    advertisement|advertise|careers|press|blog|news|products|services|support|shop|cart|my account|account|rss|facebook
    twitter|instagram|linkedin|youtube|pinterest|whatsapp|read more|more|related posts|related articles|loading
    reply|like|follow|download|close|ok|accept
    首页|主页|登录|登陆|注册|退出|搜索|菜单|导航|关于我们|联系我们|网站地图|帮助|帮助中心|更多|上一页|下一页|分享|收藏|评论|点赞|举报
    打印|关闭|下载|订阅|新闻|产品|服务|招聘|友情链接|免责声明|隐私政策|用户协议|广告|相关阅读|相关推荐|推荐阅读|热门推荐|热门文章
    最新文章|微博|微信|正文|返回|设为首页|加入收藏|返回顶部|打印本页|关闭窗口
"""
MENU_WORDS = frozenset(word.strip() for line in _MENU_WORDS.split("\n") for word in line.split("|")) - {""}
_LONGEST_MENU_WORD = 30  # characters, with the signs around it
_AROUND_MENU_WORD = " \t<>«»‹›|[]【】•·*←→.:…-"
_SEPARATORS = ("|", "】", "｜", "»", "›", ">", "•", "·", " / ", " - ", "  ", "\t")
_SEPARATOR = re.compile(r"】\s*【|\s*[|｜»›>•·]\s*|\s+[/-]\s+|\s{2,}|\t+")
_PART_LENGTH = 25  # characters of one entry of a menu

_MAYBE, _SURELY = 1, 2


def remove_boilerplate(text: str) -> str:
    """Without the lines that are no part of the text.

    A line goes when it says so by itself, such as "All rights reserved" or 责任编辑：李明. A word of a menu, such as
    Home or 登录, goes only beside another line that goes, and a row of them (Home | About | Contact) by itself.
    """
    kinds = _kinds(text)
    if not kinds:
        return text
    lines = text.split("\n")
    gone: set[int] = set()
    run: list[int] = []
    for number, line in enumerate([*lines, "end"]):
        if number in kinds:
            run.append(number)
        elif line.strip():
            if len(run) > 1 or (run and kinds[run[0]] == _SURELY):
                gone.update(range(run[0], run[-1] + 1))
            run = []
    return "\n".join([line for number, line in enumerate(lines) if number not in gone]) if gone else text


def _kinds(text: str) -> dict[int, int]:
    """The lines, by number, that are boilerplate surely or maybe."""
    kinds = {}
    lowered = text.lower()
    hints = [hint for hint in HINTS if hint in lowered]
    for number, line in enumerate(lowered.split("\n")):
        if len(line) > LONGEST_LINE:
            continue
        if len(line) <= _LONGEST_MENU_WORD and line.strip(_AROUND_MENU_WORD) in MENU_WORDS:
            kinds[number] = _MAYBE
        elif (hints and _is_notice(line, hints)) or _is_menu(line.strip()):
            kinds[number] = _SURELY
    return kinds


def _is_notice(line: str, hints: list[str]) -> bool:
    return any(hint in line for hint in hints) and _CERTAIN.fullmatch(line.strip()) is not None


def _is_menu(line: str) -> bool:
    """Whether it is a row of words of a menu, or of short entries with at least two of them.

    A row of a table begins with a bar.
    """
    if line.startswith("|") or not any(separator in line for separator in _SEPARATORS):
        return False
    parts = [part for part in _SEPARATOR.split(line) if part]
    if len(parts) < 2 or max(map(len, parts)) > _PART_LENGTH:
        return False
    words = sum(part.strip(_AROUND_MENU_WORD) in MENU_WORDS for part in parts)
    return words >= 2 and (words == len(parts) or len(parts) > 2)
