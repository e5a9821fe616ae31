"""Words that say nothing about what is searched for; left out of the word index and of queries.

Ours and not LanceDB's own: for the ``icu`` tokenizer it takes the words of all its languages together, and
with them single letters, digits and content words of other ones: hat, mint, war, die, 安全, 联系.
"""

_ENGLISH = """
a about above after again against all also am an and any are aren't as at be because been before being
below between both but by can can't cannot could couldn't did didn't do does doesn't doing don't down
during each else few for from further get gets give given got had hadn't has hasn't have haven't having
he her here hers herself him himself his how how's i i'd i'm i've if in into is isn't it it's its itself
just let let's like lot made make makes many may me might more most much must my myself no nor not of off
ok on once one only or other ought our ours ourselves out over own please same shall she should shouldn't
since so some such t than that that's the their theirs them themselves then there there's these they
they're this those though through to too under until up upon us use used using very want was wasn't way
we we're were weren't what what's when where where's which while who who's whom whose why will with
within without won't would wouldn't yet you you're your yours yourself
"""
_CHINESE = """
的 了 是 在 和 与 及 或 吗 呢 吧 啊 呀 么 我 你 您 他 她 它 我们 你们 他们 她们 它们 这 那 这个 那个
这些 那些 这里 那里 什么 怎么 怎样 怎么样 如何 为什么 为何 哪 哪些 哪个 哪里 谁 何 何时 多少 几 有 没有
可以 能 能够 会 要 应该 请 请问 就 都 也 还 又 但 但是 而 而且 因为 所以 如果 被 把 对 从 到 向 于 以 之
其 此 个 一个 一些 一 不 不是 很 更 最 是否 得 地 着 过 让 使用 用 做 為什麼 什麼 怎麼 怎樣 這 這個 這些
個 嗎 們 我們 你們 他們 為 與 對 從 沒有 還 會 請 請問 應該 誰 哪裡
"""
STOP_WORDS = (*_ENGLISH.split(), *_CHINESE.split())
