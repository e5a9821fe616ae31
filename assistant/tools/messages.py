"""What kind of message is it? About the documents, small talk, about the assistant or the library, or a task."""

from __future__ import annotations

import re
from enum import StrEnum

from assistant import prompts
from assistant.evidence.identifiers import codes
from assistant.evidence.words import is_chinese
from assistant.schema import Language
from assistant.tools.reader import Reader


class Kind(StrEnum):
    """What a message wants."""

    DOCUMENTS = "documents"
    """Something that documents could hold."""
    SMALL_TALK = "small_talk"
    ASSISTANT = "assistant"
    """Who it is, what it can do."""
    LIBRARY = "library"
    """Which documents there are."""
    TASK = "task"
    """Work on a named document or on the last answer."""


_LIKELY = (Kind.DOCUMENTS, Kind.SMALL_TALK, Kind.ASSISTANT, Kind.LIBRARY, Kind.TASK)
"""In the order of `prompts.KIND_REPLIES`."""
_SURE = 1.0
"""Nats by which another kind must lead before a message is not taken for a question to the documents."""
_LONGEST = 120
"""Characters from which a message is about the documents, unless a rule says otherwise."""
_PLEASE = r"(?:please |pls |can you |could you |would you |now |ok(?:ay)?[,.]? )*"
_RULES: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        Kind.SMALL_TALK,
        re.compile(
            r"(?:(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening|day)|greetings)(?: there| all| team| youju)?"
            r"|(?:ok(?:ay)?|great|perfect|cool|super|nice|got it|alright|awesome|excellent)?[,!. ]*"
            r"(?:many )?(?:thanks|thank you|thx|ty|cheers)(?: a lot| so much| very much| for .{1,30}|,? that.{1,20})?"
            r"|ok(?:ay)?|great|perfect|cool|nice|got it|bye|goodbye|see you(?: later| soon)?|how are you(?: doing)?(?: today)?"
            r"|你好[啊呀]?|您好|嗨|哈喽|早[啊上好]*|(?:早上|上午|中午|下午|晚上)好|在吗|在么"
            r"|(?:好的?|行|嗯|哦|明白了?|知道了)?[,，。! ]*(?:多谢|谢谢|谢了|感谢|辛苦了?)(?:你|您|啦|了|哈|咯)?(?:的?帮(?:忙|助))?"
            r"|好的?|行|嗯+|明白了?|知道了|再见|拜拜|回头见|你好吗|太好了|不错)"
        ),
    ),
    (
        Kind.ASSISTANT,
        re.compile(
            r"(?:who|what) are you|what(?:'s| is) your name|what can you do(?: for me)?|what do you do|how do(?:es this| you) work"
            r"|are you (?:a )?(?:robot|bot|ai|human|real|person)|help|how can you help(?: me)?|what can i ask(?: you)?"
            r"|你(?:是谁|叫什么(?:名字)?|是什么|能做什么|会什么|会做什么|有什么(?:用|功能)|能干(?:什么|嘛|啥)|是机器人吗|怎么用)"
            r"|(?:可以|能)问你(?:什么|哪些问题)|帮助"
        ),
    ),
    (
        Kind.LIBRARY,
        re.compile(
            r"(?:which|what) (?:documents|files|docs|sources) (?:do you have|are there|have you got|can you see|are (?:in here|available))"
            r"|(?:list|show)(?: me)? (?:all )?(?:the |your |my )?(?:documents|files|docs)"
            r"|what(?:'s| is) in (?:the|your|my) (?:library|documents|collection)"
            r"|(?:你|库里|这里|文档库里?)?(?:都|现在)?有(?:哪些|什么|几份|多少)(?:文档|文件|资料)|列出(?:所有|全部)?(?:文档|文件)"
        ),
    ),
    (
        Kind.TASK,
        re.compile(
            rf"{_PLEASE}(?:summari[sz]e|sum up|translate|shorten|rephrase|rewrite|condense|give me (?:a|the) (?:summary|gist|overview))\b.*"
            rf"|{_PLEASE}(?:list|make a list of|write down) (?:the |all )?(?:main|key|most important|important) (?:points|facts|things)\b.*"
            rf"|{_PLEASE}(?:put|make|write|turn|say) (?:that|this|it)\b.*"
            r"|(?:请|帮我|麻烦|把)?.{0,24}?(?:总结|概括|翻译|译成|缩短|改写|精简|归纳)(?:一下|成.*|为.*)?.{0,40}"
            r"|(?:请|帮我|把)?.{0,24}(?:列出|列一下|整理)?.{0,12}(?:要点|重点|待办|清单)(?:列出来|列一下|整理出来|有哪些)?"
        ),
    ),
)
"""Whole messages of which there is no doubt."""


def language_of(text: str) -> Language:
    """The language that a message is answered in."""
    return "zh" if is_chinese(text) else "en"


def kind_of(message: str, reader: Reader, *, running: bool = False) -> Kind:
    """Tell what a message wants: a few rules that are certain, else the reader's likelihoods.

    Args:
        message: The new message.
        reader: Asked only where no rule is certain; one that does not write is not asked.
        running: Something was answered before, which "that" and "it" can mean.
    """
    text = message.strip().strip("!！.。?？~～,， ").casefold()
    for kind, pattern in _RULES:
        if pattern.fullmatch(text) and (kind is not Kind.TASK or running or not _points_back(text)):
            return kind
    if not reader.writes or len(message) > _LONGEST or codes(message):
        return Kind.DOCUMENTS
    asked = prompts.kind(message.strip(), language_of(message))
    documents, *others = reader.likelihoods(asked, prompts.KIND_REPLIES)
    best = max(range(len(others)), key=lambda n: others[n])
    return _LIKELY[best + 1] if others[best] > documents + _SURE else Kind.DOCUMENTS


def _points_back(text: str) -> bool:
    return re.fullmatch(r".*\b(?:that|this|it)\b.{0,24}", text) is not None
