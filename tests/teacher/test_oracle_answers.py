"""Every kind against answers that a person wrote down."""

import pytest

from lamini.teacher.oracle import KINDS, Oracle, is_right

# kind, instruction, answer: by hand, one or more for each kind
BY_HAND = [
    ("first_word", "Write the first word of: red apple chair", "red"),
    ("second_word", "Which word comes second here: red apple chair?", "apple"),
    ("last_word", "Read red apple chair and give only the last word.", "chair"),
    ("third_word", "What is the third word in the list red apple chair dog?", "chair"),
    ("reverse_words", "Write these words in reverse order: red apple dog", "dog apple red"),
    ("swap_ends", "Swap the first and the last word: red apple dog cat", "cat apple dog red"),
    ("upper_case", "How does red apple look in capital letters?", "RED APPLE"),
    ("initials", "Write the first letter of each word: red apple dog", "r a d"),
    ("remove_word", "Write red apple dog without the word apple.", "red dog"),
    ("replace_word", "Replace apple with cat in: red apple dog", "red cat dog"),
    ("add_word", "Add the word cat at the end of: red apple", "red apple cat"),
    ("repeat_words", "Say red apple exactly two times.", "red apple red apple"),
    ("count_words", "Count the words: red apple dog cat", "4"),
    ("count_word", "How often is dog in the line dog cat dog dog?", "3"),
    ("alphabetical_order", "Arrange pear dog hat alphabetically.", "dog hat pear"),
    ("which_is", "Which of these is a fruit: hammer, apple, chair?", "apple"),
    ("which_is", "Choose an animal from this list: hammer, apple, tiger", "tiger"),
    ("odd_one_out", "Which word does not belong: apple, pear, hammer, plum?", "hammer"),
    ("common_group", "To which group do car, ship, plane belong?", "vehicles"),
    ("keep_group", "List only the animals: dog, apple, cat", "dog, cat"),
    ("drop_group", "Which of dog, apple, cat are not animals?", "apple"),
    ("count_group", "How many animals are here: dog, apple, cat?", "2"),
    ("define_two", "Define axe and wine.", "axe is a tool and wine is a drink"),
    ("name_members", "Name two drinks other than water and milk.", "tea, coffee"),
    ("add_articles", "Put a or an before each word: onion, pear", "an onion, a pear"),
    ("addition", "What is 47 plus 38?", "85"),
    ("subtraction", "Take 17 away from 42.", "25"),
    ("multiplication", "Multiply 7 by 12.", "84"),
    ("larger_of_two", "Which is larger: 34 or 78?", "78"),
    ("smallest_number", "Find the smallest number: 34, 12, 78", "12"),
    ("middle_number", "What is the median of 34, 12, 78?", "34"),
    ("sort_numbers", "Put 34, 12, 78 in ascending order.", "12, 34, 78"),
    ("sort_down", "Put 34, 12, 78 in descending order.", "78, 34, 12"),
    ("odd_or_even", "Which of these numbers is odd: 34, 17, 78?", "17"),
    ("odd_or_even", "Find the even number: 33, 17, 78", "78"),
    ("next_number", "Continue the sequence: 5, 10, 15", "20"),
    ("numbers_to_words", "Write in words: 45 and 13", "forty-five and thirteen"),
    ("words_to_numbers", "Give ninety and zero as digits.", "90 and 0"),
    ("units", "How many minutes are 3 hours?", "180"),
    ("units", "Convert 45 kilograms to grams.", "45000"),
    (
        "day_after",
        "Anna left the park on Friday and came back three days later. On which day?",
        "Monday",
    ),
    (
        "month_after",
        "Tom was born in November, Anna two months later. In which month was Anna born?",
        "January",
    ),
    (
        "earlier_month",
        "In one year Tom left in June and Anna left in March. Who left first?",
        "Anna",
    ),
    ("date_format", "Write 5 March 2021 as year-month-day.", "2021-03-05"),
    ("weekday", "Which weekday was 20 July 1969?", "Sunday"),
    ("plurals", "Write the plurals of dog and child.", "dogs and children"),
    ("plurals", "Turn cherry and box into plurals.", "cherries and boxes"),
    ("opposites", "Write the opposites of hot and small.", "cold and big"),
    (
        "opposite_sentence",
        "Use the opposite of cheap: Tom bought the cheap lamp.",
        "Tom bought the expensive lamp",
    ),
    (
        "past_tense",
        "Put into the past tense: Tom takes the key in the park.",
        "Tom took the key in the park",
    ),
    ("passive", "Rewrite in the passive: Tom broke the cup.", "The cup was broken by Tom"),
    (
        "pronoun",
        "Rewrite with a pronoun: Anna sold the lamp in the park.",
        "She sold the lamp in the park",
    ),
    (
        "question_form",
        "Make this a question: The garden of Tom is big.",
        "Is the garden of Tom big?",
    ),
    ("negation", "Make this negative: The garden of Tom is big.", "The garden of Tom is not big"),
    (
        "extreme_of_three",
        "Anna is taller than Tom. Tom is taller than Sam. Who is the shortest?",
        "Sam",
    ),
    (
        "extreme_of_three",
        "Tom is older than Sam. Anna is older than Tom. Who is the oldest of them?",
        "Anna",
    ),
    ("compared_two", "Anna is faster than Tom. Who is slower?", "Tom"),
    (
        "deduction",
        "If any baker is kind and any nurse is tall, how is the nurse Rosa?",
        "tall",
    ),
    (
        "too_big",
        "The lamp will not go into the bag. It is too small. Which one is it?",
        "bag",
    ),
    (
        "too_big",
        "The lamp will not go into the bag. It is too large. Which one is it?",
        "lamp",
    ),
    ("who_is_meant", "Tom met Anna at the park. She was late. Who was late?", "Anna"),
    ("where_is", "Find Tom: Anna is at the school, Tom at the park.", "park"),
    (
        "who_has",
        "Anna took the lamp. Tom took the key. Sam took the map. Who took the key?",
        "Tom",
    ),
    (
        "entailment",
        "Anna has one lamp, a red one in the park. Is it true that Anna has a blue lamp in the"
        " park? Say yes, no or maybe.",
        "no",
    ),
    (
        "entailment",
        "Anna has one lamp, a red one in the park. Is it true that Tom has a red lamp in the park?"
        " Say yes, no or maybe.",
        "maybe",
    ),
    (
        "entailment",
        "Anna has one lamp, a red one in the park. Is it true that Anna has a red lamp in the park?"
        " Say yes, no or maybe.",
        "yes",
    ),
    ("extract", "On Friday Tom sold the lamp in the park. Where was it?", "park"),
    ("extract", "On Friday Tom sold the lamp in the park. On which day was it?", "Friday"),
    (
        "sentiment",
        "What is the sentiment? The soup is never good, says Anna.",
        "negative",
    ),
    ("sentiment", "Anna finds the soup hardly awful. Positive or negative opinion?", "positive"),
    ("topic", "What is the topic? Anna and Tom talked about the storm today.", "weather"),
    (
        "same_meaning",
        "Do these mean the same? Tom bought a big lamp. Tom purchased a large lamp.",
        "yes",
    ),
    (
        "same_meaning",
        "Do these mean the same? Tom bought a big lamp. Tom required a large lamp.",
        "no",
    ),
    ("paraphrase", "Paraphrase: Tom fixed a quick clock.", "Tom repaired a fast clock"),
    (
        "thank_you_note",
        "Help Tom to thank Anna for the lamp.",
        "Dear Anna, thank you for the lamp. Yours, Tom",
    ),
    (
        "story_title",
        "Give a title to a tale of a bear, a lamp and the park.",
        "The Bear And The Lamp In The Park",
    ),
    (
        "sentence_with",
        "Use old, bear and park in one sentence.",
        "The old bear is in the park.",
    ),
    (
        "python_function",
        "Tell Anna what the Python function abs does.",
        "Return the absolute value of the argument",
    ),
    ("http_status", "Name the HTTP statuses 404 and 200.", "Not Found and OK"),
    ("system_error", "What does ENOENT tell Tom?", "No such file or directory"),
    ("keyword", "Find the Python keyword: apple, while, chair", "while"),
    ("unicode_sign", "Write the two signs: comma, plus sign", ", +"),
    ("next_letters", "Shift a y by one letter.", "b z"),
]


@pytest.mark.parametrize(("kind", "instruction", "answer"), BY_HAND)
def test_answers_by_hand(kind: str, instruction: str, answer: str) -> None:
    assert Oracle().kind_of(instruction) == kind
    assert is_right(kind, instruction, answer)
    assert is_right(kind, instruction, Oracle().answer(instruction))
    if KINDS[kind].accepts is None:
        assert Oracle().answer(instruction) == answer


def test_every_kind_has_an_answer_by_hand() -> None:
    assert {kind for kind, _, _ in BY_HAND} == set(KINDS)


@pytest.mark.parametrize(("kind", "instruction", "answer"), BY_HAND)
def test_wrong_answers_are_refused(kind: str, instruction: str, answer: str) -> None:
    for wrong in ("", "nonsense", instruction, f"Sure! {answer[: len(answer) // 2]}"):
        assert not is_right(kind, instruction, wrong)


@pytest.mark.parametrize(
    ("kind", "instruction", "answer", "right"),
    [
        ("units", "How many minutes are 3 hours?", " 180 minutes. ", True),
        ("units", "Convert 45 kilograms to grams.", "45,000", True),
        ("addition", "What is 47 plus 38?", "85.0", True),
        ("addition", "What is 47 plus 38?", "The answer is 85", False),
        ("sort_numbers", "Put 34, 12, 78 in ascending order.", "12 34 and 78", True),
        ("sort_numbers", "Put 34, 12, 78 in ascending order.", "12, 78, 34", False),
        ("upper_case", "Put red apple into upper case.", "red apple", False),
        ("which_is", "Which of these is a fruit: hammer, apple, chair?", "The Apple.", True),
        ("which_is", "Which of these is a fruit: hammer, apple, chair?", "hammer", False),
        ("common_group", "What are car, ship, plane?", "a vehicle", True),
        ("common_group", "What are car, ship, plane?", "tools", False),
        ("name_members", "Name two drinks other than water and milk.", "wine and beer", True),
        ("name_members", "Name two drinks other than water and milk.", "wine, milk", False),
        ("name_members", "Name two drinks other than water and milk.", "wine, wine", False),
        ("name_members", "Name two drinks other than water and milk.", "wine", False),
        ("paraphrase", "Paraphrase: Tom fixed a quick clock.", "Tom fixed a fast clock", False),
        (
            "sentence_with",
            "Use old, bear and park in one sentence.",
            "A bear likes the park",
            False,
        ),
        (
            "sentence_with",
            "Use old, bear and park in one sentence.",
            "An old bear likes the park",
            True,
        ),
        ("sentence_with", "Use old, bear and park in one sentence.", "old bear park", False),
        (
            "thank_you_note",
            "Help Tom to thank Anna for the lamp.",
            "Anna, many thanks for the fine lamp! Tom",
            True,
        ),
        ("thank_you_note", "Help Tom to thank Anna for the lamp.", "Thank you! Tom", False),
        ("extract", "On Friday Tom sold the lamp in the park. Where was it?", "the park", True),
    ],
)
def test_checks_are_lenient_about_dress_only(kind: str, instruction: str, answer: str, right: bool) -> None:
    assert is_right(kind, instruction, answer) is right


def test_a_long_human_task_is_not_looked_at() -> None:
    task = "Given the following report, who is it about and why: " + "Tom is taller than Nina and " * 100
    assert Oracle().kind_of(task) is None
