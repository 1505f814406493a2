"""Sentences for command lines of ``serve api_server`` that cannot be started."""

from __future__ import annotations

from tui.i18n import N_

TABLE: dict[str, tuple[str, str]] = {
    "serve.no-model": (
        N_("No model was named."),
        N_("Write the model's folder or hub name first, as in lmdeck serve MODEL --tp 1."),
    ),
    "serve.unknown-flag": (
        N_("lmdeploy has no {flag}."),
        N_("Leave it out, or put it behind -- to pass it on unread."),
    ),
    "serve.unknown-flag-near": (
        N_("lmdeploy has no {flag}."),
        N_("Did you mean {near}? What stands behind -- is passed on unread."),
    ),
    "serve.stray-word": (
        N_("{word} belongs to no option, and the model is {model} already."),
        N_("Put quotes around a value with spaces."),
    ),
    "serve.no-value": (N_("{flag} needs a value."), N_("Write one behind it.")),
    "serve.not-a-number": (N_("{flag} needs a number, not {value}."), N_("Write a number behind it.")),
    "serve.flag-since": (
        N_("lmdeploy {version} has no {flag}; it came with {since}."),
        N_("Leave it out, or use a newer lmdeploy."),
    ),
    "serve.flag-until": (
        N_("lmdeploy {version} no longer has {flag}; {until} was the last release with it."),
        N_("Leave it out."),
    ),
    "serve.lacks--disable-vision-encoder": (
        N_("lmdeploy {version} has no --disable-vision-encoder."),
        N_("It exists from 0.9.2 to 0.14 and is called --language-model-only since 0.15."),
    ),
    "serve.lacks--language-model-only": (
        N_("lmdeploy {version} has no --language-model-only; it came with {since}."),
        N_("From 0.9.2 to 0.14 it was called --disable-vision-encoder."),
    ),
    "serve.lacks--enable-metrics": (
        N_("lmdeploy {version} has no --enable-metrics."),
        N_(
            "Leave it out: since 0.11 metrics are on and --disable-metrics turns them off; before 0.9.2 there are none."
        ),
    ),
    "serve.lacks--disable-metrics": (
        N_("lmdeploy {version} has no --disable-metrics; it came with {since}."),
        N_("Leave it out: before 0.11 metrics are off unless --enable-metrics is given."),
    ),
    "serve.lacks--trust-remote-code": (
        N_("lmdeploy {version} has no --trust-remote-code for serve; it came with {since}."),
        N_("Leave it out: before 0.13 the checkpoint's own code was always trusted."),
    ),
    "serve.lacks--num-gpu-blocks": (
        N_("lmdeploy {version} has no --num-gpu-blocks; it came with {since}."),
        N_("Use --cache-max-entry-count."),
    ),
    "serve.lacks--tool-call-parser": (
        N_("lmdeploy {version} has no --tool-call-parser; it came with {since}."),
        N_("Leave it out: older releases find the tool calls of InternLM2.5 by themselves."),
    ),
    "serve.lacks--reasoning-parser": (
        N_("lmdeploy {version} has no --reasoning-parser; it came with {since}."),
        N_("Leave it out: lmdeck finds the reasoning in the text itself."),
    ),
    "serve.lacks--generation-config": (
        N_("lmdeploy {version} has no --generation-config; it came with {since}."),
        N_("Leave it out and set the sampling parameters in lmdeck."),
    ),
    "serve.lacks--cap": (
        N_("lmdeploy {version} no longer has --cap."),
        N_("Choose the chat template with --chat-template."),
    ),
    "serve.lacks--meta-instruction": (
        N_("lmdeploy {version} no longer has --meta-instruction."),
        N_("Set the system prompt in the conversation, or in a --chat-template file."),
    ),
    "serve.lacks--max-log-len": (
        N_("lmdeploy {version} has no --max-log-len; it came with {since}."),
        N_("Leave it out; --log-level WARNING keeps prompts out of the log."),
    ),
    "serve.ratio": (
        N_("--cache-max-entry-count {ratio} is not possible."),
        N_("It must lie between 0 and 1: the share of the memory that is free after loading."),
    ),
    "serve.port": (N_("{port} is not a port."), N_("Ports go from 1 to 65535; lmdeploy's own is 23333.")),
    "serve.tp": (N_("--tp {tp} is not possible."), N_("It must be a power of two: 1, 2, 4, 8.")),
    "serve.tp-cards": (
        N_("--tp {tp} needs {tp} cards, but only {cards} can be used."),
        N_("Lower --tp, or name more cards."),
    ),
    "serve.format-since": (
        N_("lmdeploy {version} does not know the model format {format}; it came with {since}."),
        N_("Use a newer lmdeploy, or another checkpoint."),
    ),
    "serve.format-llama": (
        N_("lmdeploy {version} no longer knows the model format llama."),
        N_("Leave --model-format out: it is found out by itself."),
    ),
    "serve.policy": (
        N_("{policy} is not a quant policy."),
        N_("Use 0, 4 or 8 (PyTorch engine also fp8, fp8_e5m2, turbo_quant)."),
    ),
    "serve.policy-engine": (
        N_("The TurboMind engine does not know quant policy {policy}."),
        N_("Use 0, 4 or 8, or add --backend pytorch."),
    ),
    "serve.policy-name": (
        N_("lmdeploy {version} takes quant policies only by number; names came with {since}."),
        N_("Write --quant-policy {number}."),
    ),
    "serve.policy-since": (
        N_("lmdeploy {version} does not know quant policy {policy}; it came with {since}."),
        N_("Use 0, 4 or 8."),
    ),
    "serve.choice": (N_("{flag} does not take {value}."), N_("It takes: {choices}.")),
    "serve.positive": (N_("{flag} {value} is not possible."), N_("It must be 1 or more.")),
    "serve.model-missing": (
        N_("There is no model folder {model} on that machine."),
        N_("Check the path; a hub name looks like internlm/internlm2_5-1_8b-chat."),
    ),
    "serve.model-file": (
        N_("{model} is a file, not a model folder."),
        N_("Name the folder that holds config.json."),
    ),
    "serve.no-architecture": (
        N_("The config.json of {model} names no architecture, so lmdeploy cannot choose an engine."),
        N_("Download the model again, or choose another one."),
    ),
}
