"""What someone on the simulated server's machine could find out: its flags, its checkpoint, its log."""

from __future__ import annotations

from tui.demo import card
from tui.demo.history import Json
from tui.demo.options import Options
from tui.demo.state import State

CHECKPOINT = "/root/models/internlm2_5-1_8b-chat-w4a16-4bit"
_SETTINGS = (
    "session_len=32768, max_batch_size=1024, cache_max_entry_count=0.4, cache_block_seq_len=64, "
    "enable_prefix_caching=False, quant_policy=<QuantPolicy.INT4: 4>"
)


def command(options: Options) -> list[str]:
    """The command line that a real server of these properties would have."""
    line = ["lmdeploy", "serve", "api_server", CHECKPOINT, "--backend", options.engine, "--model-format", "awq"]
    line += ["--quant-policy", "4", "--cache-max-entry-count", "0.4", "--log-level", "INFO"]
    line += ["--model-name", options.models[0]]
    if options.tool_call_parser:
        line += ["--tool-call-parser", options.tool_call_parser]
    if options.reasoning_parser:
        line += ["--reasoning-parser", options.reasoning_parser]
    if options.api_keys:
        line += ["--api-keys", *("…" for _ in options.api_keys)]
    return line


def log_lines(options: Options) -> list[tuple[float, str]]:
    """(seconds since the start, line): the lines of the recorded starts that tell about memory and phases."""
    return _TURBOMIND if options.engine == "turbomind" else _PYTORCH


_TURBOMIND: list[tuple[float, str]] = [
    (
        6.517,
        "2026-11-22 08:25:35,457 - lmdeploy - INFO - async_engine.py:133 - input backend=turbomind, "
        f"backend_config=TurbomindEngineConfig(dtype='auto', model_format='awq', tp=1, {_SETTINGS})",
    ),
    (11.600, "2026-11-22 08:25:40,540 - lmdeploy - INFO - turbomind.py:271 - turbomind engine config:"),
    (
        11.600,
        "[TM][WARN][1122.08:25:40.540553][turbomind.cc:128] `max_context_token_num` is not set, default to 32768.",
    ),
    (11.835, "Loading:   0%|          | 0/24 [00:00<?, ?it/s]"),
    (11.942, "Loading:  33%|███▎      | 8/24 [00:00<00:00, 73.97it/s]"),
    (11.991, "Loading:  79%|███████▉  | 19/24 [00:00<00:00, 90.96it/s]"),
    (
        12.000,
        "[TM][INFO][1122.08:25:40.940655][turbomind.cc:338] Object cache budget: 8332.63 MB from free 20831.56 MB "
        "and ratio 0.400",
    ),
    (
        12.091,
        "[TM][WARN][1122.08:25:41.031433][slab.h:136] slab_size 33554432, object_size 1671168, object_count 20, "
        "ratio 0.99609375",
    ),
    (
        12.091,
        "[TM][INFO][1122.08:25:41.031623][turbomind.cc:440] Warm-up lengths: 8, 16, 32, 48, 64, 96, 128, 192, 256, "
        "384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 9216",
    ),
    (14.102, "[TM][INFO][1122.08:25:43.042499][turbomind.cc:492] Warm-up finished in 2.01 seconds."),
    (14.220, "INFO:     Started server process [1198]"),
    (14.220, "INFO:     Waiting for application startup."),
    (14.222, "INFO:     Application startup complete."),
]
_PYTORCH: list[tuple[float, str]] = [
    (
        6.954,
        "2026-11-22 08:26:52,276 - lmdeploy - INFO - async_engine.py:133 - input backend=pytorch, "
        "backend_config=PytorchEngineConfig(dtype='auto', tp=1, session_len=None, max_batch_size=1024, "
        "cache_max_entry_count=0.4, block_size=64, num_gpu_blocks=0, quant_policy=<QuantPolicy.INT4: 4>)",
    ),
    (30.990, "2026-11-22 08:27:16,311 - lmdeploy - INFO - base.py:430 - Building Model."),
    (33.627, "2026-11-22 08:27:18,948 - lmdeploy - INFO - base.py:432 - Updating configs."),
    (
        33.630,
        "2026-11-22 08:27:18,952 - lmdeploy - INFO - base.py:434 - Building GraphRunner and warmup ops, "
        "please waiting.",
    ),
    (33.646, "2026-11-22 08:27:18,967 - lmdeploy - INFO - base.py:439 - Building CacheEngine with config: "),
    (
        33.646,
        "CacheConfig(max_batches=1024, block_size=64, num_cpu_blocks=0, num_gpu_blocks=4636, kernel_block_size=64, "
        "window_size=-1, cache_max_entry_count=0.4, max_prefill_token_num=8192, enable_prefix_caching=False)",
    ),
    (33.646, "2026-11-22 08:27:18,967 - lmdeploy - INFO - engine.py:76 - Using int4 KV cache."),
    (33.647, "2026-11-22 08:27:18,968 - lmdeploy - INFO - base.py:446 - Warming up model."),
    (
        51.639,
        "2026-11-22 08:27:36,961 - lmdeploy - INFO - agent.py:566 - Engine warmup completed in 17.99 seconds.",
    ),
    (51.879, "INFO:     Started server process [1469]"),
    (51.882, "INFO:     Application startup complete."),
]


def facts(state: State) -> Json:
    """Flags, checkpoint, memory before the start, log: everything a memory breakdown wants to know."""
    options = state.options
    recorded = card.profile(options)
    return {
        "simulated": True,
        "lmdeploy": options.lmdeploy,
        "engine": options.engine,
        "command": command(options),
        "pid": card.SERVER_PID,
        "started": state.started,
        "ready_seconds": options.startup,
        "free_before": card.FREE_BEFORE,
        "checkpoint": {
            "path": CHECKPOINT,
            "weights_bytes": recorded.weights,
            "layers": 24,
            "kv_heads": 8,
            "head_dim": 128,
            "dtype": "float16",
            "model_type": "internlm2",
        },
        "kv_cache_bytes": recorded.kv_cache,
        "kv_block_bytes": recorded.block_bytes,
        "log": [[seconds, line] for seconds, line in log_lines(options)],
    }
