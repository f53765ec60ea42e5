"""`kinscope lookup` answers from the atlas, in words, at once."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from kinscope.cli.commands.affinity import app
from kinscope.core.errors import BadInputError


def said(*arguments):
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_a_distant_residue_is_out_of_reach_and_never_unchanged():
    text = said("lookup", "K404E")
    assert "Out of the drugs' reach" in text
    assert "could still matter" in text
    assert "unchanged" not in text
    assert "c.1210A>G" in text


def test_the_gatekeeper_is_lost_to_imatinib_and_not_to_ponatinib():
    rows = {row["drug"]: row for row in json.loads(said("lookup", "T315I", "--json"))}
    assert rows["imatinib"]["p_lost"] > 0.4 > 0.2 > rows["ponatinib"]["p_lost"]
    assert rows["imatinib"]["left_out"]


def test_a_compound_has_both_rows_and_their_sum():
    text = said("lookup", "E255K/T315I")
    assert "E255K (ABL1)" in text
    assert "T315I (ABL1)" in text
    assert "Wells" in text


def test_one_drug_can_be_asked_for():
    assert "Nilotinib" not in said("lookup", "K404E", "--drug", "imatinib")


def test_what_the_atlas_lacks_is_an_error():
    with pytest.raises(BadInputError, match="no row of Y115N"):
        said("lookup", "Y115N")


def test_a_catalytic_residue_is_flagged_before_its_affinity():
    assert "is it a kinase still" in said("lookup", "K271R")


def test_no_engine_is_imported_for_a_lookup():
    code = (
        "import sys; from typer.testing import CliRunner; from kinscope.cli.commands.affinity import app;"
        "CliRunner().invoke(app, ['lookup', 'K404E']);"
        "print([m for m in ('openmm', 'rdkit', 'numba', 'biotite', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_was_measured_stands_beside_and_a_suspected_loss_says_what_that_is_worth():
    text = said("lookup", "T315I")
    assert "+2.3       loss suspected" in text
    assert "residue hidden" in text
    assert "a measured value counts" in text
    assert "measured" not in said("lookup", "K404E").splitlines()[2]
    assert "4.9 times as often" in text
