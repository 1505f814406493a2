"""Sentences for problems of the planner room, and of checkpoints."""

from __future__ import annotations

from tui.i18n import N_

TABLE: dict[str, tuple[str, str]] = {
    "checkpoint.folder": (
        N_("The model folder {folder} cannot be read."),
        N_("Check the path, or use a model name such as internlm2_5-7b-chat."),
    ),
    "checkpoint.no-config": (
        N_("{folder} holds no config.json, so it is not a model folder."),
        N_("Choose the folder that holds config.json and the safetensors files."),
    ),
    "checkpoint.config": (
        N_("The config.json of {name} is not valid JSON."),
        N_("Download it again."),
    ),
    "checkpoint.config-field": (
        N_("The config.json of {name} does not say {field}."),
        N_("lmdeck cannot plan for this kind of model."),
    ),
    "checkpoint.no-weights": (
        N_("{folder} holds no weights."),
        N_("Download the safetensors files too."),
    ),
    "checkpoint.not-safetensors": (
        N_("{folder} holds PyTorch .bin files instead of safetensors, so exact sizes cannot be read."),
        N_("Convert the checkpoint to safetensors, or use the model's name."),
    ),
    "checkpoint.index": (
        N_("The index model.safetensors.index.json in {folder} is broken."),
        N_("Download it again."),
    ),
    "checkpoint.missing-shard": (
        N_("{count} of {of} weight files are missing in {folder}, the first is {file}."),
        N_("The download is not finished: run it again."),
    ),
    "checkpoint.truncated": (
        N_("{file} is cut short: bytes are missing at its end."),
        N_("Download this file again."),
    ),
    "checkpoint.pointer": (
        N_("{file} is only a Git LFS pointer, not the weights."),
        N_("Run git lfs pull in its folder."),
    ),
    "checkpoint.header": (
        N_("{file} is not a valid safetensors file."),
        N_("Download this file again."),
    ),
    "checkpoint.unreadable": (
        N_("{file} cannot be read."),
        N_("Check its permissions."),
    ),
    "checkpoint.sparse": (
        N_("Only {percent} % of the weight files of {name} are on the disk; the rest are holes."),
        N_("The sizes below are right, but the server cannot load it: finish the download first."),
    ),
    "plan.vision": (
        N_("{model} has a vision tower that stays 16-bit; images need more memory than is planned here."),
        N_("Leave 2 GiB free, and keep --vision-max-batch-size at 1."),
    ),
    "plan.model": (
        N_("{model} is neither a model folder nor a model lmdeck knows."),
        N_("Known names: {names}."),
    ),
    "plan.model-missing": (
        N_("No model is named."),
        N_("Type a model folder or a name, or choose one with F2."),
    ),
    "plan.size": (
        N_("{text} is not a memory size."),
        N_("Write it like 24GiB or 24566MiB."),
    ),
    "plan.free": (
        N_("More memory is said to be free than the card has."),
        N_("Correct --free or --gpu."),
    ),
    "plan.tp": (
        N_("--tp {tp} is not possible."),
        N_("It must be a power of two, at most the number of attention heads ({heads})."),
    ),
    "plan.policy": (
        N_("The TurboMind engine does not know quant policy {policy}."),
        N_("Use 0, 4 or 8, or --engine pytorch."),
    ),
    "plan.policy-unknown": (
        N_("{policy} is not a quant policy."),
        N_("Use 0, 4 or 8 (PyTorch engine also fp8, fp8_e5m2, turbo_quant)."),
    ),
    "plan.ratio": (
        N_("--cache-max-entry-count {ratio} is not possible."),
        N_("It must lie between 0 and 1: the share of the memory that is free after loading."),
    ),
    "plan.version": (
        N_("{version} is not an lmdeploy version."),
        N_("Write it like 0.18 or 0.5.3."),
    ),
    "plan.weights-do-not-fit": (
        N_("The weights alone need more than the card has free."),
        N_("Take the w4a16 variant, a larger card, or more cards with --tp."),
    ),
    "plan.no-kv": (
        N_("After loading, no memory is left for the kv cache."),
        N_("Take the w4a16 variant, a larger card, or more cards with --tp."),
    ),
    "plan.out-of-memory": (
        N_("After the kv cache too little is left for the engine's own buffers: the start would end out of memory."),
        N_("Lower --cache-max-entry-count to {ratio} or less."),
    ),
    "plan.tight": (
        N_("It fits by less than the margin of this plan."),
        N_("Lower --cache-max-entry-count a little to be sure."),
    ),
    "plan.headroom": (
        N_("Only {left} GiB stay free; long prompts may run out of memory."),
        N_("Lower --cache-max-entry-count."),
    ),
    "plan.short-context": (
        N_("The kv cache holds {tokens} tokens, fewer than one conversation of {session_len}."),
        N_("Raise --cache-max-entry-count, quantise the kv cache, or shorten --session-len."),
    ),
    "plan.truncated-context": (
        N_("lmdeploy {version} will cut the context from {session_len} to {tokens} tokens to fit the kv cache."),
        N_("Raise --cache-max-entry-count, or quantise the kv cache."),
    ),
    "plan.states": (
        N_("This hybrid model keeps {size} GiB of recurrent states for a batch of {batch}."),
        N_("Lower --max-batch-size."),
    ),
    "plan.uncalibrated": (
        N_("No measurement exists for {engine} {version} on this card ({gpu}); the margin is wider."),
        N_("Start the server once with lmdeck: the plan then learns from it."),
    ),
    "plan.blocks": (
        N_("--cache-max-entry-count {count} is a number of blocks for lmdeploy before 0.15."),
        N_("From 0.15 on only a ratio below 1 is accepted."),
    ),
    "plan.quantise-first": (
        N_("These weights have to be made first: the model is stored in another format."),
        N_("Run lmdeploy lite auto_awq {model} --work-dir {folder} first."),
    ),
    "plan.runs": (
        N_("The file with your runs, {file}, could not be written."),
        N_("Check the disk's space and the folder's permissions."),
    ),
    "plan.table": (
        N_("The file with your own measurements, {file}, is broken and was not used."),
        N_("Delete it; it is written anew with the next start."),
    ),
}
