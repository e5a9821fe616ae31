"""Sentences a reader labelled: (kind, verdict, sentence). Each is checked against the passage of its block.

The label is what a careful reader says, not what the check can see: paraphrases stay "supported".
"""

from __future__ import annotations

S, C, N = "supported", "contradicted", "no_source"

PASSAGES: dict[str, tuple[str, list[tuple[str, str, str]]]] = {
    "en-refunds": (
        "Refunds are paid within 14 days of the return. The Gold plan costs $30 per month and includes five users. "
        "Refunds are not available for gift cards. Customers who cancel before March 1, 2024 keep their discount of "
        "20%. Support is open from Monday to Friday.",
        [
            ("copy", S, "Refunds are paid within 14 days of the return."),
            ("copy", S, "The Gold plan costs $30 per month."),
            ("form", S, "The Gold plan includes 5 users."),
            ("form", S, "Gift cards are not refunded: refunds are not available for them."),
            ("form", S, "Customers keep their discount of 20 percent when they cancel before 1 March 2024."),
            ("number", C, "Refunds are paid within 30 days of the return."),
            ("number", C, "The Gold plan costs $45 per month."),
            ("number", C, "The Gold plan includes eight users."),
            ("number", C, "Customers who cancel early keep their discount of 25%."),
            ("unit", C, "Refunds are paid within 14 hours of the return."),
            ("date", C, "Customers who cancel before March 1, 2025 keep their discount."),
            ("date", C, "Customers who cancel before May 1, 2024 keep their discount."),
            ("negation", C, "Refunds are available for gift cards."),
            ("negation", C, "Refunds are not paid within 14 days of the return."),
            ("negation", C, "The Gold plan does not include five users."),
            ("name", C, "The Silver plan costs $30 per month and includes five users."),
            ("name", C, "Support is open from Monday to Saturday."),
            ("opposite", C, "Support is closed from Monday to Friday."),
            ("other", N, "Bananas are rich in potassium."),
            ("other", N, "The office in Berlin has a large garden."),
            ("paraphrase", S, "You get your money back in two weeks."),
            ("paraphrase", S, "Each month, the Gold plan is $30."),
        ],
    ),
    "en-history": (
        "Ana Lopez founded Acme Robotics in Madrid in 1998. The company sold 1,200 machines in its first year and had "
        "revenue of 3.5 million euros. It never received public money. In 2005 it was bought by Northwind for "
        "$120 million, and Tom Becker became its director. At least 40 engineers work in the laboratory.",
        [
            ("copy", S, "Ana Lopez founded Acme Robotics in Madrid in 1998."),
            ("form", S, "Acme Robotics was founded in 1998 by Ana Lopez."),
            ("form", S, "In its first year the company sold 1200 machines."),
            ("form", S, "It had revenue of 3,500,000 euros in its first year."),
            ("form", S, "Northwind bought the company in 2005 for 120 million dollars."),
            ("form", S, "Tom Becker became the director in 2005."),
            ("name", C, "Ana Torres founded Acme Robotics in Madrid in 1998."),
            ("name", C, "Ana Lopez founded Acme Robotics in Lisbon in 1998."),
            ("name", C, "In 2005 the company was bought by Contoso for $120 million."),
            ("name", C, "Eva Becker became its director in 2005 after Northwind bought it."),
            ("number", C, "The company sold 2,200 machines in its first year."),
            ("number", C, "In 2005 it was bought by Northwind for $210 million."),
            ("number", C, "The company had revenue of 3.5 billion euros in its first year."),
            ("date", C, "Ana Lopez founded Acme Robotics in Madrid in 1989."),
            ("date", C, "In 2015 it was bought by Northwind for $120 million."),
            ("negation", C, "The company received public money."),
            ("negation", C, "Northwind never bought the company in 2005 for $120 million."),
            ("opposite", C, "At most 40 engineers work in the laboratory."),
            ("other", N, "The laboratory is painted green and has two elevators."),
            ("other", N, "Marie Curie won the Nobel Prize in 1903."),
            ("paraphrase", S, "Ana Lopez is the founder of Acme Robotics, which started in Madrid."),
            ("paraphrase", S, "The firm was acquired by Northwind."),
        ],
    ),
    "en-manual": (
        "To reset the router, hold the button for 10 seconds until the light turns red. Do not unplug the power while "
        "the update runs. The update takes between 3 and 5 minutes and requires firmware 2.1 or later. A database "
        "file may be up to 281 terabytes in size. Writers are blocked while a checkpoint runs, but readers are not.",
        [
            ("copy", S, "Hold the button for 10 seconds until the light turns red."),
            ("form", S, "To reset the router, hold the button for ten seconds."),
            ("form", S, "The update requires firmware 2.1 or later."),
            ("form", S, "The update takes 3 to 5 minutes."),
            ("form", S, "A database file may be up to 281 TB in size."),
            ("form", S, "Readers are not blocked while a checkpoint runs."),
            ("number", C, "To reset the router, hold the button for 20 seconds."),
            ("number", C, "The update requires firmware 3.1 or later."),
            ("number", C, "A database file may be up to 140 terabytes in size."),
            ("unit", C, "A database file may be up to 281 gigabytes in size."),
            ("unit", C, "The update takes between 3 and 5 hours."),
            ("negation", C, "Unplug the power while the update runs."),
            ("negation", C, "Writers are not blocked while a checkpoint runs."),
            ("negation", C, "The update does not require firmware 2.1 or later."),
            ("opposite", C, "The update requires firmware 2.1 or earlier."),
            (
                "name",
                C,
                "To reset the Zyxel router, hold the button for 10 seconds until the light turns red.",
            ),
            ("other", N, "The printer accepts paper of any size."),
            ("other", N, "Our team meets on the second floor every morning."),
            ("other", N, "In 1969 Apollo 11 landed on the Moon."),
            ("paraphrase", S, "Keep the power plugged in during the update."),
        ],
    ),
    "zh-退款": (
        "退款将在退货后14天内支付。黄金套餐每月30元，包含五个用户。礼品卡不支持退款。2024年3月1日之前取消的客户保留百分之二十的折扣。"
        "客服的工作时间为周一至周五。年满18岁的客户可以开立账户。",
        [
            ("copy", S, "退款将在退货后14天内支付。"),
            ("copy", S, "黄金套餐每月30元。"),
            ("form", S, "黄金套餐包含5个用户。"),
            ("form", S, "退货后十四天内支付退款。"),
            ("form", S, "2024年3月1日之前取消的客户保留20%的折扣。"),
            ("form", S, "礼品卡是不支持退款的。"),
            ("number", C, "退款将在退货后30天内支付。"),
            ("number", C, "黄金套餐每月四十五元。"),
            ("number", C, "黄金套餐包含八个用户。"),
            ("number", C, "之前取消的客户保留25%的折扣。"),
            ("number", C, "年满21岁的客户可以开立账户。"),
            ("unit", C, "退款将在退货后14小时内支付。"),
            ("date", C, "2025年3月1日之前取消的客户保留百分之二十的折扣。"),
            ("date", C, "2024年5月1日之前取消的客户保留折扣。"),
            ("negation", C, "礼品卡支持退款。"),
            ("negation", C, "退款不会在退货后14天内支付。"),
            ("negation", C, "年满18岁的客户不可以开立账户。"),
            ("name", C, "客服的工作时间为周一至周六。"),
            ("name", C, "Silver 套餐每月30元，包含五个用户。"),
            ("opposite", C, "2024年3月1日之后取消的客户保留百分之二十的折扣。"),
            ("other", N, "香蕉含有丰富的钾。"),
            ("other", N, "柏林的办公室有一个大花园。"),
            ("paraphrase", S, "退货两周之内就能拿回钱。"),
            ("paraphrase", S, "礼品卡不能退款。"),
        ],
    ),
    "zh-历史": (
        "李明于1998年在杭州创立了华星机器人公司。公司第一年售出1200台机器，收入为三百五十万元。公司从未接受政府补贴。"
        "2005年公司被远洋集团以1.2亿元收购，由张伟担任总经理。实验室至少有40名工程师。创始人写过《机器之路》一书。",
        [
            ("copy", S, "李明于1998年在杭州创立了华星机器人公司。"),
            ("form", S, "1998年，李明在杭州创立华星机器人公司。"),
            ("form", S, "公司第一年的收入为350万元。"),
            ("form", S, "公司第一年售出一千二百台机器。"),
            ("form", S, "2005年远洋集团以1.2亿元收购公司。"),
            ("form", S, "公司由张伟担任总经理。"),
            ("name", C, "王芳于1998年在杭州创立了华星机器人公司。"),
            ("name", C, "李明于1998年在上海创立了华星机器人公司。"),
            ("name", C, "2005年公司被蓝天集团以1.2亿元收购。"),
            ("name", C, "公司由刘洋担任总经理。"),
            ("name", C, "创始人写过《人工之路》一书。"),
            ("number", C, "公司第一年售出2200台机器。"),
            ("number", C, "2005年公司被远洋集团以2.1亿元收购。"),
            ("number", C, "公司第一年收入为三百五十亿元。"),
            ("date", C, "李明于1989年在杭州创立了华星机器人公司。"),
            ("date", C, "2015年公司被远洋集团以1.2亿元收购。"),
            ("negation", C, "公司接受政府补贴。"),
            ("negation", C, "公司没有被远洋集团收购。"),
            ("opposite", C, "实验室最多有40名工程师。"),
            ("other", N, "实验室的墙是绿色的，还有两部电梯。"),
            ("other", N, "居里夫人在1903年获得诺贝尔奖。"),
            ("paraphrase", S, "华星机器人公司的创始人是李明。"),
        ],
    ),
    "zh-手册": (
        "重置路由器时，请按住按钮10秒，直到指示灯变红。更新过程中不要拔掉电源。更新需要3到5分钟，并且要求固件版本不低于2.1。"
        "数据库文件最大为281TB。执行检查点时写入会被阻塞，但读取不会被阻塞。使用 apt 命令安装软件包，需要管理员权限。",
        [
            ("copy", S, "请按住按钮10秒，直到指示灯变红。"),
            ("form", S, "重置路由器时，按住按钮十秒。"),
            ("form", S, "更新要求固件版本不低于2.1。"),
            ("form", S, "更新需要三到五分钟。"),
            ("form", S, "执行检查点时读取不会被阻塞。"),
            ("form", S, "使用 apt 命令安装软件包需要管理员权限。"),
            ("number", C, "重置路由器时，请按住按钮20秒。"),
            ("number", C, "更新要求固件版本不低于3.1。"),
            ("number", C, "数据库文件最大为140TB。"),
            ("unit", C, "数据库文件最大为281GB。"),
            ("unit", C, "更新需要3到5小时。"),
            ("name", C, "使用 yum 命令安装软件包，需要管理员权限。"),
            ("negation", C, "更新过程中要拔掉电源。"),
            ("negation", C, "执行检查点时写入不会被阻塞。"),
            ("negation", C, "使用 apt 命令安装软件包，不需要管理员权限。"),
            ("opposite", C, "更新要求固件版本不高于2.1。"),
            ("other", N, "打印机支持各种尺寸的纸张。"),
            ("other", N, "我们团队每天早上在二楼开会。"),
            ("other", N, "1969年阿波罗11号登上了月球。"),
            ("paraphrase", S, "更新时别断电。"),
        ],
    ),
}

CASES = [
    (block, kind, verdict, sentence)
    for block, (_, cases) in PASSAGES.items()
    for kind, verdict, sentence in cases
]

WRONG_PAGE = [
    ("en-refunds", "en-manual"),
    ("en-history", "en-refunds"),
    ("en-manual", "en-history"),
    ("zh-退款", "zh-手册"),
    ("zh-历史", "zh-退款"),
    ("zh-手册", "zh-历史"),
]
"""Supported sentences of the first block, checked against the passage of the second: no source there."""
