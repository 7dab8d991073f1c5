"""A process that is nothing but llama.cpp's HTTP server with one model file: ``python -m llm_async.cli.engine FILE``.

What belongs here: the inside of that process. Its surroundings (starting it, waiting for it, stopping it) are in ``local``.

The server runs in threads of the process, and only the end of the process stops it for sure. So the process prints the
server's address, and then lives exactly as long as its standard input is open: whichever way the program that started it
goes, killed ones included, the system closes that pipe.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from typing import Any

__all__ = ["main"]

# A conversation in ChatML that also shows the tools and the calls. The template inside the model file leaves both out, and
# the engine constrains a forced call only in a form that it has found in the template.
TEMPLATE_WITH_TOOLS = """\
{%- if tools or messages[0].role == 'system' -%}
<|im_start|>system
{% if messages[0].role == 'system' %}{{ messages[0].content }}{% else %}You are a helpful assistant.{% endif %}
{%- if tools %}

You can call these functions:
{% for tool in tools %}{{ tool.function | tojson }}
{% endfor %}
To call one, answer with nothing but
<tool_call>
{"name": <function name>, "arguments": <arguments as JSON object>}
</tool_call>
{%- endif %}<|im_end|>
{% endif -%}
{%- for message in messages if message.role != 'system' -%}
<|im_start|>{{ message.role }}
{% if message.content is string %}{{ message.content }}{% endif %}
{%- for call in message.tool_calls or [] %}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>
{%- endfor %}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif -%}
"""

_CONTEXT_TOKENS = 4096
_ERRORS_ALONE = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Serve a model on a free port of 127.0.0.1 until standard input ends; the address is the first line printed."""
    parser = argparse.ArgumentParser(prog="python -m llm_async.cli.engine", description="llama.cpp's server.")
    parser.add_argument("model", metavar="FILE", help="a model file in GGUF form")
    parser.add_argument("--tools-template", action="store_true", help="a chat template that describes tools")
    options = parser.parse_args(argv)
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    try:
        server = _serve(options.model, tools_template=options.tools_template)
    except RuntimeError as error:
        # What was wrong stands on standard error already, in llama.cpp's words.
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    threading.Event().wait()
    return 0


def _serve(model: str, *, tools_template: bool) -> Any:
    """The server; it listens, and has loaded the model, when this returns."""
    xllamacpp: Any = import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = _CONTEXT_TOKENS
    params.n_parallel = 1
    params.verbosity = _ERRORS_ALONE
    params.use_jinja = True
    if tools_template:
        params.chat_template = TEMPLATE_WITH_TOOLS
    params.sampling.temp = 0.0
    params.sampling.seed = 1
    # Its threads wait for one another at every layer: with one for each core, any other load slows them down tenfold.
    for threads in (params.cpuparams, params.cpuparams_batch):
        threads.n_threads = max(1, (os.cpu_count() or 1) // 2)
        threads.poll = 0
    return xllamacpp.Server(params)


def _end_with_standard_input() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
