"""The short texts of the demo's brain, in English and Chinese."""

from __future__ import annotations

import re

GREETING = {
    "en": "Hello! I am **lmdeck's simulated server**: no model is running here, my answers are written in advance. "
    "How can I help you today?",
    "zh": "你好！我是 **lmdeck 的模拟服务器**：这里没有真的模型在运行，我的回答是事先写好的。今天想试点什么？",
}
ABILITIES = {
    "en": """\
I am **simulated**: there is no model and no GPU behind me, only a script that speaks lmdeploy's protocol. Try

- `Tell me a story about a fox and a watermelon`
- `Compute (3+5)*2` – two tool calls, one after the other
- `Compute 12+7 and 9*8` – two tool calls at once
- `Write a Python function to reverse a string`
- `Show Markdown` – headings, lists, tables, code
- `Count to 200`
- `Is 31 greater than 29?` – an answer with thoughts before it
- `/demo` – errors on demand: cut streams, silence, broken tool calls
""",
    "zh": """\
我是**模拟**出来的：背后没有模型，也没有 GPU，只有一段会说 lmdeploy 协议的脚本。可以试试

- `帮我讲述一个关于狐狸和西瓜的小故事`
- `计算 (3+5)*2` —— 前后两次工具调用
- `计算 12+7 和 9*8` —— 同时两次工具调用
- `写一个 Python 函数来反转字符串`
- `展示 Markdown` —— 标题、列表、表格、代码
- `数到 200`
- `31 比 29 大吗？` —— 先思考再回答
- `/demo 帮助` —— 按需出错：中断、沉默、坏的工具调用
""",
}
FALLBACK = {
    "en": "I am lmdeck's **simulated** server, so I cannot really think about “{prompt}”. I do know a story about "
    "a fox and a watermelon, how to `Compute (3+5)*2` with tools, how to `Count to 20`, and how to `Show Markdown`. "
    "Ask `What can you do?` for the whole list.",
    "zh": "我是 lmdeck 的**模拟**服务器，没法真的思考“{prompt}”。不过我会讲狐狸和西瓜的故事，会用工具`计算 (3+5)*2`，"
    "会`数到 20`，也会`展示 Markdown`。问我`你能做什么？`可以看到全部。",
}
RESULT = {"en": "The result of {expression} is **{value}**.", "zh": "{expression} 的结果是 **{value}**。"}
NO_RESULT = {
    "en": "{expression} has no result that I could give.",
    "zh": "{expression} 没有可以给出的结果。",
}
TOOL_SAID = {
    "en": "The tool `{name}` answered: {content}",
    "zh": "工具 `{name}` 的回答是：{content}",
}
TOOL_FAILED = {
    "en": "I could not finish {expression}: the tool `{name}` answered “{content}”, which is not a number.",
    "zh": "{expression} 没能算完：工具 `{name}` 的回答是“{content}”，不是一个数。",
}
THOUGHTS = {
    "en": "The user wrote: {prompt}\nI am a simulated server, so my answer is already written. "
    "I only have to say it.\n",
    "zh": "用户写道：{prompt}\n我是模拟的服务器，答案已经写好了，说出来就行。\n",
}
COMPARE_THOUGHTS = {
    "en": "The numbers are {a} and {b}. I compare {a} with {b}: {a} is {relation} {b}.\n",
    "zh": "两个数是 {a} 和 {b}。比较一下：{a} {relation} {b}。\n",
}
COMPARE = {
    "en": {"yes": "Yes, {a} is greater than {b}.", "no": "No, {a} is not greater than {b}."},
    "zh": {"yes": "是的，{a} 比 {b} 大。", "no": "不，{a} 不比 {b} 大。"},
}
RELATION = {"en": ("greater than", "less than", "equal to"), "zh": ("大于", "小于", "等于")}
THINKING = {
    "en": "That is what thinking looks like: the part above came first and is shown apart from the answer.",
    "zh": "这就是思考的样子：上面的部分先到，和回答分开显示。",
}
CODE_INTRO = {"en": "Here is a function to {task}:", "zh": "下面是这个函数（{task}）："}
CODE_OUTRO = {
    "en": "It is written by a simulated server, so read it before you use it.",
    "zh": "它出自模拟服务器之手，用之前请先读一读。",
}
CONTINUED = {"en": " … and that was all.", "zh": "……到这里就结束了。"}

_HAN = re.compile(r"[一-鿿]")


def language(prompt: str) -> str:
    """``zh`` for a prompt with Chinese characters, else ``en``."""
    return "zh" if _HAN.search(prompt) else "en"
