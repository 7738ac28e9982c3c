"""Texts as teachers write them: name -> text, its items, counts of what is set aside."""

from __future__ import annotations

Text = tuple[str, list[str], dict[str, int]]

SHOWN = ["Write a poem about rain.", "Which is larger: 3 or 5?", "Translate: good night"]

MESSY: dict[str, Text] = {
    "as asked": ("<example>Sing</example>\n<example>Dance</example>", ["Sing", "Dance"], {}),
    "on one line": ("<example>Sing</example> <example>Dance</example>", ["Sing", "Dance"], {}),
    "chatter around": (
        "Sure! Here are 2 tasks:\n\n<example>Sing</example>\n<example>Dance</example>\n\nLet me know!",
        ["Sing", "Dance"],
        {"outside": 2},
    ),
    "numbers before the tags": (
        "1. <example>Sing</example>\n2. <example>Dance</example>\n10) <example>Hum</example>",
        ["Sing", "Dance", "Hum"],
        {},
    ),
    "labels before the tags": (
        "Example 1: <example>Sing</example>\n**Example 2:** <example>Dance</example>\n"
        "- <example>Hum</example>",
        ["Sing", "Dance", "Hum"],
        {},
    ),
    "numbers inside the tags": (
        "<example>1. Sing</example>\n<example>2. Dance</example>",
        ["Sing", "Dance"],
        {},
    ),
    "a number that belongs to the item": (
        "<example>3. What comes after 3.?</example>\n<example>Dance</example>",
        ["3. What comes after 3.?", "Dance"],
        {},
    ),
    "bullets inside the tags": ("<example>- Sing</example><example>- Dance</example>", ["Sing", "Dance"], {}),
    "no closing tags": ("<example>Sing\n<example>Dance\n<example>Hum", ["Sing", "Dance", "Hum"], {}),
    "no closing tags, farewell": (
        "<example>Sing\n<example>Dance\n\nI hope these help!",
        ["Sing", "Dance"],
        {"outside": 1},
    ),
    "the last closing tag is missing": ("<example>Sing</example>\n<example>Dance", ["Sing", "Dance"], {}),
    "opening tags that close": ("<example>Sing<example>\n<example>Dance<example>", ["Sing", "Dance"], {}),
    "closing tags that open": ("</example>Sing</example>\n</example>Dance</example>", ["Sing", "Dance"], {}),
    "the first opening tag is missing": (
        "Here you are:\n\nSing</example>\n<example>Dance</example>",
        ["Sing", "Dance"],
        {"outside": 1},
    ),
    "nested tags": (
        "<example><example>Sing</example></example>\n<example>Dance</example>",
        ["Sing", "Dance"],
        {},
    ),
    "wrapped in examples": (
        "<examples>\n<example>Sing</example>\n<example>Dance</example>\n</examples>",
        ["Sing", "Dance"],
        {},
    ),
    "other case and spaces": (
        "<Example> Sing </Example>\n<EXAMPLE>Dance</EXAMPLE>\n< example >Hum< / example >",
        ["Sing", "Dance", "Hum"],
        {},
    ),
    "numbered tags": (
        "<example 1>Sing</example 1>\n<example2>Dance</example2>\n<example #3>Hum</example>",
        ["Sing", "Dance", "Hum"],
        {},
    ),
    "attributes": (
        '<example id="1">Sing</example>\n<example lang="en">Dance</example>',
        ["Sing", "Dance"],
        {},
    ),
    "self-closing": ("<example>Sing<example/>\n<example>Dance<example />", ["Sing", "Dance"], {}),
    "escaped tags": (
        "&lt;example&gt;Sing&lt;/example&gt;\n&lt;example&gt;What does &lt;b&gt; do?&lt;/example&gt;",
        ["Sing", "What does <b> do?"],
        {},
    ),
    "backslashes": (
        r"\<example\>Sing\</example\>" "\n" r"\<example\>Dance\</example\>",
        ["Sing", "Dance"],
        {},
    ),
    "a fence around": (
        "```xml\n<example>Sing</example>\n<example>Dance</example>\n```",
        ["Sing", "Dance"],
        {},
    ),
    "a fence around, the end missing": (
        "```\n<example>Sing</example>\n<example>Dance\n```",
        ["Sing", "Dance"],
        {},
    ),
    "echoes": (
        "<example>write a poem about  rain</example>\n<example>Translate: good night</example>\n"
        "<example>Sing</example>",
        ["Sing"],
        {"echo": 2},
    ),
    "empty items": (
        "<example></example><example>...</example>\n<example> \n</example><example>Sing</example>",
        ["Sing"],
        {"empty": 3},
    ),
    "the tags named": (
        "Here are the tasks, each wrapped in <example> and </example> tags:\n<example>Sing</example>",
        ["Sing"],
        {"mention": 1, "outside": 2},
    ),
    "Instruction:": (
        "<example>Instruction: Sing</example>\n<example>**Task 2:** Dance</example>",
        ["Sing", "Dance"],
        {},
    ),
    "code with angle brackets": (
        "<example>Fix this: vector<int> v; if (a < b && c > d) return <T>x;</example>\n"
        "<example>What does <div class='a'> mean?</example>",
        ["Fix this: vector<int> v; if (a < b && c > d) return <T>x;", "What does <div class='a'> mean?"],
        {},
    ),
    "code in a fence": (
        "<example>Explain:\n```python\nfor x in y:\n    print(x)\n```</example>\n<example>Sing</example>",
        ["Explain:\n```python\nfor x in y:\n    print(x)\n```", "Sing"],
        {},
    ),
    "paragraphs in items": (
        "<example>Read this.\n\nA long text.\n\nWho wrote it?</example>\n<example>And this.\n\nMore.",
        ["Read this.\n\nA long text.\n\nWho wrote it?", "And this.\n\nMore."],
        {},
    ),
    "lists in items": (
        "<example>Sort:\n1. pear\n2. apple</example>\n<example>Which?\n- a\n- b</example>",
        ["Sort:\n1. pear\n2. apple", "Which?\n- a\n- b"],
        {},
    ),
    "Chinese": (
        "<example>写一首关于春天的诗。</example>\n<example>什么是光合作用？</example>",
        ["写一首关于春天的诗。", "什么是光合作用？"],
        {},
    ),
    "Arabic": ("<example>اكتب قصيدة عن المطر</example>", ["اكتب قصيدة عن المطر"], {}),
    "German with an echo in other case": (
        "Gern!\n<example>Übersetze ins Englische: Straße</example>\n<example>TRANSLATE: GOOD NIGHT</example>",
        ["Übersetze ins Englische: Straße"],
        {"outside": 1, "echo": 1},
    ),
    "wide brackets": ("＜example＞唱歌＜／example＞\n＜example＞跳舞＜／example＞", ["唱歌", "跳舞"], {}),
    "tags in another language": (
        "Aquí tienes:\n<ejemplo>Canta</ejemplo>\n<ejemplo>Baila</ejemplo>",
        ["Canta", "Baila"],
        {"outside": 1},
    ),
    "other tags": ("1. <task>Sing</task>\n2. <task>Dance</task>", ["Sing", "Dance"], {}),
    "a numbered list": (
        "Here you go:\n\n1. Sing\n2. Dance\n3. Hum",
        ["Sing", "Dance", "Hum"],
        {"outside": 1},
    ),
    "a numbered list, farewell": ("1) Sing\n2) Dance\n\nEnjoy!", ["Sing", "Dance"], {"outside": 1}),
    "a numbered list with lists inside": (
        "1. Sort:\n1. pear\n5. fig\n2. Dance\n3. Hum",
        ["Sort:\n1. pear\n5. fig", "Dance", "Hum"],
        {},
    ),
    "a list of examples": ("Example 1: Sing\nExample 2: Dance", ["Sing", "Dance"], {}),
    "a numbered list in bold": ("**1.** Sing\n**2.** Dance", ["Sing", "Dance"], {}),
    "bullets": ("- Sing\n- Dance at 3.5 times the speed", ["Sing", "Dance at 3.5 times the speed"], {}),
    "a Chinese list": ("1、唱歌\n2、跳舞", ["唱歌", "跳舞"], {}),
    "prose": ("I am sorry, but I cannot help with that.", [], {"outside": 1}),
    "nothing": (" \n", [], {}),
    "thinking": (
        "<think>They want <example>bad</example> tasks.</think>\n<example>Sing</example>",
        ["Sing"],
        {},
    ),
    "Windows lines": (
        "<example>Sing\r\nloud</example>\r\n<example>Dance</example>",
        ["Sing\nloud", "Dance"],
        {},
    ),
    "broken characters": ("<example>Sing \ud800</example><example>Dance</example>", ["Dance"], {"broken": 1}),
}

CUT: dict[str, Text] = {
    "half an item": ("<example>Sing</example>\n<example>Name a", ["Sing"], {"cut": 1}),
    "half a closing tag": ("<example>Sing</example>\n<example>Dance</exam", ["Sing"], {"cut": 1}),
    "half an opening tag": ("<example>Sing</example>\n<exa", ["Sing"], {}),
    "whole items": ("<example>Sing</example>\n<example>Dance</example>\n", ["Sing", "Dance"], {}),
    "no closing tags": ("<example>Sing\n<example>Dance\n<example>Hu", ["Sing", "Dance"], {"cut": 1}),
    "a numbered list": ("1. Sing\n2. Dance\n3. Hu", ["Sing", "Dance"], {"cut": 1}),
    "a thought": ("<think>First, <example>a</example>", [], {}),
    "just opened": ("<example>Sing</example>\n<example>", ["Sing"], {}),
    "just opened, no closing tags": ("<example>Sing\n<example>", ["Sing"], {}),
}
