"""The word lists of the evidence checks, English and Chinese."""

from __future__ import annotations


def listed(*lines: str) -> frozenset[str]:
    """Words of blank-separated lines."""
    return frozenset(word for line in lines for word in line.split())


ABBREVIATIONS = listed(
    "mr mrs ms dr prof st sr jr vs etc e.g i.e cf al fig figs eq no nos vol pp p ca approx dept inc ltd",
    "co corp gen col lt sgt capt rev hon jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed",
    "thu fri sat sun u.s u.k u.n d.c a.m p.m ph.d b.a m.a",
)
"""Their full stop ends no sentence."""

CLOSING_ABBREVIATIONS = listed("etc a.m p.m u.s u.k u.n d.c inc ltd co corp ph.d jr sr")
"""Abbreviations after which a capital letter does begin a new sentence."""

STOPWORDS = listed(
    "a an the this that these those there here it its he she they them their his her our your my we you",
    "i me us is are was were be been being am do does did done has have had having will would shall",
    "should can could may might must of in on at to from by for with about into over under as than then",
    "so and or but if while when where who whom whose which what why how not no nor also such very just",
    "only own same too up out off again any all each both some more most other between during before",
    "after because until against per via s t please tell explain according document documents text",
    "passage",
)
HAN_PARTICLES = frozenset("的了着是在和与及或也都就而且并又被把将对从到等之其这那个们吗呢吧啊呀么")

ORDINARY = listed(
    "i the a an this that these those it in on at if when you we they he she yes no to for and or but",
    "as by with from however therefore also please note according based answer customers users there",
    "his her its",
)
"""Words whose capital says nothing about a name."""

UNITS = {
    name: unit
    for unit, names in {
        "%": "% percent percentage 个百分点",
        "day": "day days 天 日 日内",
        "hour": "hour hours hrs hr h 小时 个小时 钟头",
        "minute": "minute minutes min mins 分钟",
        "second": "second seconds sec secs 秒 秒钟",
        "week": "week weeks 周 星期 个星期",
        "month": "month months 个月",
        "year": "year years yr yrs",
        "usd": "$ usd dollar dollars 美元",
        "cny": "¥ cny rmb yuan 元 块 人民币",
        "eur": "€ eur euro euros 欧元",
        "gbp": "£ gbp 英镑",
        "kb": "kb kilobytes kib",
        "mb": "mb megabytes mib 兆",
        "gb": "gb gigabytes gib",
        "tb": "tb terabytes tib",
        "km": "km kilometers kilometres 公里 千米",
        "m": "metre metres meters 米",
        "kg": "kg kilograms 公斤 千克",
        "people": "people persons 人 名",
        "times": "times 次 倍",
    }.items()
    for name in names.split()
}
"""Spelling of a unit -> the unit."""

SCALES = {
    "hundred": 100,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "k": 10**3,
    "m": 10**6,
    "bn": 10**9,
    "百": 100,
    "千": 10**3,
    "万": 10**4,
    "亿": 10**8,
    "百万": 10**6,
    "千万": 10**7,
}
"""What a number is multiplied with."""

NUMBER_WORDS = {
    word: value
    for value, word in enumerate(
        (
            "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
            "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
        )
    )
} | {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90,
}  # fmt: skip
ORDINALS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
}

MONTHS = {
    "jan": 1,
    "feb": 2,
    "mar": 3,
    "apr": 4,
    "may": 5,
    "jun": 6,
    "jul": 7,
    "aug": 8,
    "sep": 9,
    "oct": 10,
    "nov": 11,
    "dec": 12,
}

PLACES = listed(
    "北京 上海 天津 重庆 广州 深圳 杭州 南京 苏州 成都 武汉 西安 长沙 郑州 青岛 大连 厦门 宁波 沈阳",
    "哈尔滨 济南 合肥 福州 昆明 贵阳 南宁 海口 拉萨 兰州 西宁 银川 太原 石家庄 南昌 香港 澳门 台北",
    "新加坡 东京 首尔 纽约 伦敦 巴黎 中国 美国 英国 法国 德国 日本 韩国 俄罗斯 印度 加拿大 澳大利亚",
    "意大利 西班牙 巴西 瑞士 荷兰 欧洲 亚洲 非洲 美洲",
)
SURNAMES = "王李张刘杨赵吴徐孙朱胡郭罗郑梁谢宋韩冯邓曹彭萧董袁潘蔡蒋杜苏魏吕丁沈姚卢崔谭陆廖陈周林"

OPPOSITES = [
    (left, right)
    for pair in sorted(
        listed(
            "increase/decrease rise/fall increased/reduced more/fewer more/less higher/lower",
            "maximum/minimum before/after allowed/forbidden allowed/prohibited permitted/prohibited",
            "required/optional mandatory/optional enabled/disabled open/closed free/paid",
            "include/exclude included/excluded accept/reject accepted/rejected approve/deny",
            "approved/denied always/never first/last earlier/later above/below public/private",
            "with/without true/false success/failure succeed/fail won/lost buy/sell credit/debit",
            "largest/smallest oldest/newest longest/shortest north/south east/west 增加/减少 提高/降低",
            "上升/下降 最多/最少 最多/至少 最大/最小 最高/最低 以上/以下 之前/之后 允许/禁止",
            "可以/不可以 必须/无需 必须/可选 开启/关闭 启用/禁用 免费/收费 包括/不包括 接受/拒绝",
            "支持/反对 通过/驳回 成功/失败 买入/卖出 公开/私有 早于/晚于 大于/小于 高于/低于 优先/最后",
            "存入/取出 延长/缩短 扩大/缩小 升高/下降 上涨/下跌 同意/拒绝 增长/下降 上午/下午",
        )
    )
    for left, right in [pair.split("/")]
]
