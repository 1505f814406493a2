"""The longer texts of the demo's brain."""

from __future__ import annotations

FOX_ZH = """\
## 狐狸和西瓜

*（lmdeck 的模拟服务器讲的故事，没有真的模型在运行。）*

从前，在一片**竹林**的尽头，住着一只爱动脑筋的小狐狸，名叫阿橘。夏天最热的那几天，溪水都懒得流了，阿橘却在山坡上闻到了一阵清甜的香气。

他拨开草丛一看：呀，是一个又圆又大的**西瓜**！

> “要是能把它搬回家，全家都能凉快三天！”阿橘咽了咽口水。

可是西瓜比他还重。他先用鼻子拱，西瓜不动；再用后背顶，西瓜晃了晃；最后他使出全身的力气一推——西瓜骨碌碌地滚下山坡，“扑通”一声掉进了小溪里。

阿橘急得直跺脚。这时，岸边的朋友们都跑来了：

1. **小刺猬**说：“西瓜会浮起来，不用怕。”
2. **水獭**说：“我来推，水里我最拿手。”
3. **白鹭**说：“我在天上给你们看路，前面有个浅滩。”

大家一起，推的推，看的看，喊号子的喊号子。不一会儿，西瓜就稳稳当当地停在了浅滩上。

阿橘本来想把西瓜独自抱回家。可是看着一张张湿漉漉的笑脸，他忽然觉得，一个人吃的西瓜，好像没有那么甜。

他找来一片锋利的石头，把西瓜切成了好多块：

| 朋友 | 分到的西瓜 | 说的话 |
| --- | --- | --- |
| 小刺猬 | 一小块，正好抱得住 | “沙沙的，真好吃！” |
| 水獭 | 一大块，因为他力气出得最多 | “比小鱼还甜！” |
| 白鹭 | 一长条，方便她的长嘴巴 | “我要带给孩子们尝尝。” |
| 阿橘 | 最中间的那一块 | “原来分着吃更甜。” |

太阳落山的时候，大家把瓜子埋在了溪边。阿橘说：“明年夏天，我们就有一整片西瓜地了。”

第二年，溪边果然长满了绿油油的藤。路过的小动物都说，那里的西瓜是整座山上最甜的——因为每一颗种子，都是朋友们一起种下的。

**这个故事告诉我们**：好东西一个人守着，只是一份；和朋友分享，就会变成很多份。
"""

FOX_EN = """\
## The fox and the watermelon

*(Told by lmdeck's simulated server; no real model is running.)*

At the far end of a bamboo grove lived a young fox called **Tangerine**. On the hottest day of the year she smelled
something sweet, parted the grass, and there it was: a watermelon, rounder than the moon and heavier than she was.

> "If I get this home, we shall all be cool for three days!"

She nudged it with her nose. Nothing. She leaned on it with her back. It wobbled. She pushed with all four paws, and
the melon rolled down the hill, faster and faster, and splashed into the stream.

Her friends came running:

1. the **hedgehog** knew that melons float,
2. the **otter** knew how to push things in water,
3. the **egret** could see the sandbank from above.

Together they brought it ashore. Tangerine had meant to keep it, but looking at three wet and smiling faces she found
that a melon eaten alone would not be half as sweet. So she cut it, and there was a piece for everyone.

In the evening they planted the seeds by the water. The next summer there was a whole field of melons, the sweetest
on the mountain, for every seed had been **sown by friends**.
"""

MARKDOWN_EN = """\
# A tour of Markdown

Everything below was written by the **simulated** server, to show what the screen can do. There is *emphasis*,
**strong text**, ***both***, ~~a mistake~~, `inline code` and a [link](https://github.com/InternLM/lmdeploy).

## Lists

- a first item
- a second one, with more inside
  - nested once
    - nested twice, with `code`
  - and back
- [x] a task that is done
- [ ] a task that is not

1. one
2. two
   1. two and a half
3. three

## A table

| engine | weights | kv cache | note |
| :--- | ---: | ---: | :---: |
| TurboMind | 1.44 GiB | 8.14 GiB | fast |
| PyTorch | 1.44 GiB | 7.22 GiB | flexible |
| 中文 | 10 GiB | 宽字符 | 对齐 |

## Code

```python
def fibonacci(n: int) -> list[int]:
    \"\"\"The first n numbers.\"\"\"
    numbers = [0, 1]
    while len(numbers) < n:
        numbers.append(numbers[-1] + numbers[-2])
    return numbers[:n]
```

```bash
lmdeploy serve api_server internlm2_5-1_8b-chat --cache-max-entry-count 0.4 --quant-policy 4
```

```json
{"answer": 42, "units": null}
```

## Quotes

> A quote with **strong** words
>
> > and one inside it.

## Mathematics

Inline: $e^{i\\pi} + 1 = 0$. On its own line:

$$
\\mathrm{used} = \\mathrm{weights} + r \\cdot \\mathrm{free} + \\mathrm{other}
$$

---

That is all.
"""

MARKDOWN_ZH = """\
# Markdown 展示

下面的内容由**模拟**服务器写出，用来展示界面的能力。这里有*强调*、**加粗**、***两者***、~~删除线~~、`行内代码`，还有一个[链接](https://github.com/InternLM/lmdeploy)。

## 列表

- 第一项
- 第二项，里面还有
  - 第二层
    - 第三层，带有 `代码`
  - 回到第二层
- [x] 已完成的任务
- [ ] 未完成的任务

1. 一
2. 二
   1. 二点五
3. 三

## 表格

| 引擎 | 权重 | KV 缓存 | 说明 |
| :--- | ---: | ---: | :---: |
| TurboMind | 1.44 GiB | 8.14 GiB | 快 |
| PyTorch | 1.44 GiB | 7.22 GiB | 灵活 |

## 代码

```python
def 斐波那契(n: int) -> list[int]:
    \"\"\"前 n 个数。\"\"\"
    数列 = [0, 1]
    while len(数列) < n:
        数列.append(数列[-1] + 数列[-2])
    return 数列[:n]
```

```bash
lmdeploy serve api_server internlm2_5-1_8b-chat --cache-max-entry-count 0.4 --quant-policy 4
```

## 引用

> 引用里有**加粗**的字
>
> > 引用里还有引用。

## 公式

行内公式：$e^{i\\pi} + 1 = 0$。单独一行：

$$
\\mathrm{used} = \\mathrm{weights} + r \\cdot \\mathrm{free} + \\mathrm{other}
$$

---

就是这些。
"""
