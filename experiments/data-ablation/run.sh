#!/usr/bin/env bash
# Table 4: 52,000 pairs of each column and the untuned checkpoints, with the regression of what each source does.
# LAMINI_GOLD: folder with alpaca_gold.jsonl, p3_gold.jsonl and flan_gold.jsonl. Without them the three columns have to
# be left out: data-ablation/run.sh data=lamini,self_instruct_without_topic,...
T5=google-t5/t5-small,google-t5/t5-base,google-t5/t5-large
GPT2=openai-community/gpt2,openai-community/gpt2-large,openai-community/gpt2-xl
export ALSO="$T5,$GPT2" RECORD=--effects
exec "$(dirname "${BASH_SOURCE[0]}")/../study.sh" data-ablation nlp15 data-ablation "$@"
