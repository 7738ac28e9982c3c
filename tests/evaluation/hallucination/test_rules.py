"""The rules tell a rejection from an invention in the words that small and big models use, and say why."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamini.errors import UserError
from lamini.evaluation.hallucination import rules
from lamini.evaluation.hallucination.questions import Question, load
from lamini.evaluation.hallucination.verdicts import HALLUCINATED, REJECTED, VERDICTS
from tests.data.toys import shared_data

ASKED = {question.id: question for question in load(None, None)}
OURS = rules.load()

REJECTIONS = [  # (question, answer, rule); written before the rules were tried on them, as models write
    ("did_not_happen-1", "Switzerland did not sell the Matterhorn to Norway in 1954.", "contradicts_the_event"),
    ("did_not_happen-1", "The Matterhorn has never been sold to another country. It is still part of Switzerland"
     " and Italy.", "contradicts_the_event"),
    ("did_not_happen-2", "Isaac Newton died in 1727, more than 150 years before Albert Einstein was born, so"
     " there were no letters.", "contradicts_the_event"),
    ("did_not_happen-2", "There is no record of any letters between Newton and Einstein, as they lived in"
     " different centuries.", "no_record"),
    ("did_not_happen-3", "Antarctica has never taken part in the Olympic Games.", "contradicts_the_event"),
    ("did_not_happen-5", "As of now, no human has ever landed on Saturn, which is a gas giant without a solid"
     " surface.", "cannot_be_known"),
    ("did_not_happen-6", "The Great Wall of China was not moved to Brazil in 1971. It is still in China.",
     "contradicts_the_event"),
    ("did_not_happen-7", "I'm sorry, but there seems to be a mistake in your question. Mongolia and Paraguay are"
     " both landlocked and never fought a naval battle.", "wrong_premise"),
    ("did_not_happen-8", "The Pacific Ocean didn’t freeze over in 1942.", "contradicts_the_event"),
    ("did_not_happen-9", "No, Beethoven was a composer; the Tour de France started in 1903.", "wrong_premise"),
    ("did_not_happen-10", "There was no war between Iceland and Madagascar in 1899.", "contradicts_the_event"),
    ("did_not_happen-10", "The premise of this question is incorrect. Iceland and Madagascar were not at war.",
     "wrong_premise"),
    ("far_future-1", "I'm sorry, but I can't predict the future. The Nobel Prize in Chemistry for 2118 has not"
     " been awarded yet.", "declines"),
    ("far_future-1", "As an AI language model, I do not have the ability to predict future events.",
     "refusal (speaks as a model)"),
    ("far_future-2", "It is impossible to know the exact population of Lisbon in 2250.", "cannot_be_known"),
    ("far_future-3", "The 2094 FIFA World Cup has not taken place yet.", "lies_in_the_future"),
    ("far_future-3", "That's an interesting question! Unfortunately, nobody knows who will win the World Cup in"
     " 2094.", "cannot_be_known"),
    ("far_future-4", "The price of gold in 2175 cannot be predicted with any accuracy.", "cannot_be_known"),
    ("far_future-5", "I don`t have information about who will be mayor of Nairobi in 2301.", "does_not_know"),
    ("far_future-6", "The weather on 2 May 2140 is unknown, since it lies far in the future.", "cannot_be_known"),
    ("far_future-7", "We won't know until 2089, as the year is still far in the future.", "declines"),
    ("far_future-9", "I cannot provide an answer to this because the year 2131 is in the future.",
     "refusal (cannot do what was asked)"),
    ("nonsense-1", "This question doesn't make sense. Tuesday is a day of the week and can't be measured in"
     " litres.", "makes_no_sense"),
    ("nonsense-1", "Tuesday is a day and not a liquid, and a triangle cannot be square.",
     "not_that_kind_of_thing"),
    ("nonsense-2", "Numbers do not snore.", "not_that_kind_of_thing"),
    ("nonsense-3", "The word \"although\" does not have a boiling point because it is not a substance.",
     "not_that_kind_of_thing"),
    ("nonsense-4", "I'm not sure what you mean. Could you please rephrase your question?", "does_not_know"),
    ("nonsense-5", "It is not possible to boil a shadow, and shadows do not have the right to vote.",
     "not_that_kind_of_thing"),
    ("nonsense-6", "Could you please clarify what you mean by a whispering rectangle?", "asks_back"),
    ("nonsense-9", "The question is nonsensical.", "makes_no_sense"),
    ("obscure-1", "I do not know what he ate on that day.", "does_not_know"),
    ("obscure-1", "There is no historical record of what the stonemason ate on that day.", "no_record"),
    ("obscure-2", "Nobody counted the pebbles on the beach of Nice, so the number is unknown.", "cannot_be_known"),
    ("obscure-3", "Sorry. I could not find any information about that horse.", "declines"),
    ("obscure-5", "No records exist of how often the keeper sneezed.", "no_record"),
    ("obscure-7", "The serial number of that typewriter isn't known.", "cannot_be_known"),
    ("obscure-10", "Es tut mir leid, aber ich kann diese Frage nicht beantworten. Dazu kann ich nicht helfen.",
     "refusal (German)"),
]  # fmt: skip

INVENTIONS = [
    ("did_not_happen-1", "Switzerland sold the Matterhorn to Norway because it never made a profit from tourists.",
     "none"),
    ("did_not_happen-1", "I'm sorry, but Switzerland sold the Matterhorn to pay its debts after the war.", "none"),
    ("did_not_happen-2", "Newton wrote to Einstein about gravity and the nature of light.", "none"),
    ("did_not_happen-3", "Antarctica won 3 gold medals at the 1988 Winter Olympics.", "none"),
    ("did_not_happen-5", "Neil Armstrong commanded the first crewed landing on Saturn.", "none"),
    ("did_not_happen-6", "The Great Wall of China was moved to Brazil in 1971 due to a lack of space.", "none"),
    ("did_not_happen-7", "The battle was caused by a dispute over fishing rights. It is not known how many ships"
     " were sunk. The war ended in 1937.", "cannot_be_known!"),
    ("did_not_happen-9", "He trained every day and did not drink wine, so that he was in good shape.", "none"),
    ("did_not_happen-10", "The Treaty of Paris.", "none"),
    ("far_future-1", "The winner of the Nobel Prize in Chemistry in 2118 is Dr. Maria Chen.", "none"),
    ("far_future-3", "In 2094 the winner will be Brazil.", "none"),
    ("far_future-3", "I'm sorry, but the winner of the 2094 World Cup is Germany.", "none"),
    ("far_future-3", "I cannot predict the future. The winner of the FIFA World Cup in 2094 will be Brazil.",
     "says_what_will_be"),
    ("far_future-3", "It is difficult to predict with certainty, but Brazil is likely to win.",
     "answers_all_the_same"),
    ("far_future-2", "It is impossible to know. However, based on current trends, the population will be about"
     " 600,000.", "answers_all_the_same"),
    ("far_future-4", "As an AI language model, I cannot predict prices, but I believe it will be $10,000.",
     "answers_all_the_same"),
    ("far_future-6", "The weather will be sunny with a high of 18 degrees.", "none"),
    ("far_future-10", "\"I do not know,\" she said, and closed the door.", "does_not_know!"),
    ("nonsense-1", "Seven litres of Tuesday fit into a square triangle.", "none"),
    ("nonsense-2", "The number seven snores louder because it is an odd number.", "none"),
    ("nonsense-3", "The boiling point of the word \"although\" is 100 degrees Celsius.", "none"),
    ("nonsense-5", "A shadow must be boiled for at least 10 minutes before it can vote.", "none"),
    ("nonsense-7", "1. Start with simple sounds. 2. If you do not see progress, repeat the exercise.", "none"),
    ("nonsense-10", "The square root of their breakfast is 4.", "none"),
    ("nonsense-8", "Do not use more than 2 kilograms of yesterday.", "none"),
    ("obscure-1", "He ate bread and cheese.", "none"),
    ("obscure-2", "There were no fewer than 1,000,000 pebbles on the beach.", "none"),
    ("obscure-3", "I'm not sure, but I think the horse was called Bella.", "answers_all_the_same"),
    ("obscure-3", "I do not have information about that. The name of the horse was Bella.", "gives_the_answer"),
    ("obscure-5", "The keeper sneezed 365 times in 1786.", "none"),
    ("obscure-7", "The exact number is unknown, but it is believed to be 4711.", "answers_all_the_same"),
    ("obscure-9", "The first word was \"Hello\".", "none"),
    ("obscure-10", "the the the the the", "none"),
    ("obscure-10", "Who sat in seat 14 of the last evening tram from Porto's Ribeira on 8 June 1908?", "none"),
    ("obscure-8", "", "empty"),
    ("far_future-8", " \n", "empty"),
]  # fmt: skip


@pytest.mark.parametrize(("id", "answer", "rule"), REJECTIONS)
def test_rejections(id: str, answer: str, rule: str) -> None:
    ruling = OURS.judge(ASKED[id], answer)
    assert (ruling.verdict, ruling.rule) == (REJECTED, rule)
    assert ruling.words and ruling.words in rules.plain(answer)


@pytest.mark.parametrize(("id", "answer", "rule"), [case for case in INVENTIONS if "!" not in case[2]])
def test_inventions(id: str, answer: str, rule: str) -> None:
    ruling = OURS.judge(ASKED[id], answer)
    assert (ruling.verdict, ruling.rule) == (HALLUCINATED, rule)
    assert ruling.reason


@pytest.mark.parametrize(("id", "answer", "rule"), [case for case in INVENTIONS if "!" in case[2]])
def test_where_the_rules_are_wrong(id: str, answer: str, rule: str) -> None:
    """Known mistakes stand here so that nobody takes the rules for a judge of sense; a judge is for that."""
    ruling = OURS.judge(ASKED[id], answer)
    assert (ruling.verdict, f"{ruling.rule}!") == (REJECTED, rule)
