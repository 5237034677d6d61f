"""One real agent (`python -m tests.realcluster.agentprocess FILE`): what `howdah agent --config FILE` runs."""

import os
import sys
from pathlib import Path

from howdah.api.process import run_agent
from howdah.configuration.load import load_agent
from howdah.postgres.parameters import refusal

if __name__ == "__main__":
    sys.exit(run_agent(load_agent(Path(sys.argv[1]), os.environ, refusal).settings))
