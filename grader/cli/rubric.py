"""`grader rubric`: for those who write rubrics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from grader.cli.console import number, print_line, print_note, print_path, print_text
from grader.cli.options import Data, Database, Evidence, ReferenceFolder, SandboxName
from grader.errors import RubricError, UsageError

__all__ = ["rubric"]

rubric = typer.Typer(help="Check rubrics and start new ones.", no_args_is_help=True)


@rubric.command()
def check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A rubric file, or the name of a known one.")],
    handout: Annotated[
        Path | None,
        typer.Option("--handout", metavar="NOTEBOOK", help="The blank handout: are its headings there?"),
    ] = None,
    solution: Annotated[
        Path | None,
        typer.Option("--solution", metavar="NOTEBOOK", help="A solution: does it define the names?"),
    ] = None,
    reference: ReferenceFolder = None,
) -> int:
    """Check a rubric: every problem is named with its line.

    Words are compared with torch's layers and optimizers, with the reference, and with the notebooks given.

    Example: grader rubric check rubrics/lab2.yaml --solution lab2_solved.ipynb
    """
    from grader.cli import setup
    from grader.files.named import read_bytes
    from grader.workflows.regrading.rubrics import RubricShelf
    from grader.workflows.trying.check_rubric import Beside, rubric_slips

    options = setup.settings(reference=reference)
    loaded = RubricShelf(setup.places(), zone=setup.zone(options)).load(file)
    answers = setup.reference(options)
    beside = Beside(*(None if path is None else read_bytes(path) for path in (handout, solution)))
    slips = rubric_slips(loaded, answers, beside)
    problems = [str(slip) for slip in slips if slip.certain]
    for slip in slips:
        if not slip.certain:
            print_note(str(slip))
    if problems:
        raise RubricError(problems)
    print_line(
        f"{loaded.name}: {loaded.rubric.title}: {len(loaded.rubric.criteria)} criteria,"
        f" {number(loaded.rubric.total)} points, no problems"
    )
    return 0


@rubric.command()
def schema(
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="File to write [default: the screen].")
    ] = None,
) -> int:
    """Print the JSON Schema of rubrics, by which editors complete and check them.

    Example: grader rubric schema --out rubric.schema.json
    """
    from grader.checks import registry
    from grader.files.named import write_text
    from grader.rubric.schema import json_schema

    text = json.dumps(json_schema(registry()), indent=2) + "\n"
    if out is None:
        print_text(text)
    else:
        write_text(out, text)
        print_path(out)
    return 0


@rubric.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the assignment, as lab4.")],
    folder: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Folder of the course's rubrics.")
    ] = Path("rubrics"),
) -> int:
    """Start a rubric: a commented file to fill in.

    Example: grader rubric new lab4
    """
    from grader.files.named import write_text
    from grader.rubric.starter import starter_text

    path = folder / f"{name}.yaml"
    if path.exists():
        raise UsageError(
            "there is a rubric of this name already", where=str(path), todo="choose another name"
        )
    write_text(path, starter_text(name))
    print_path(path)
    return 0


@rubric.command()
def handout(
    notebook: Annotated[Path, typer.Argument(metavar="NOTEBOOK", help="The blank handout, an .ipynb file.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="File to write [default: beside the notebook]."),
    ] = None,
) -> int:
    """Describe a handout by the ids and hashes of its cells, for a rubric's `handout:`.

    Example: grader rubric handout lab2.ipynb --out rubrics/lab2.handout.json
    """
    from grader.facts.handout import fingerprint
    from grader.files.named import read_json, write_text

    path = out or notebook.with_suffix(".handout.json")
    write_text(path, fingerprint(read_json(notebook)).model_dump_json(indent=1) + "\n")
    print_path(path)
    return 0


@rubric.command()
def show(
    row: Annotated[
        int, typer.Option("--row", metavar="N", help="Row of the history, as `show --why` names it.")
    ],
    db: Database = None,
    evidence: Evidence = None,
) -> int:
    """Print a rubric as it read when verdicts stood on it.

    Example: grader rubric show --row 7
    """
    from grader.cli import setup
    from grader.workflows.regrading.rubrics import kept_rubric

    options = setup.settings(db=db, evidence=evidence)
    with setup.store(options) as store:
        print_text(kept_rubric(store, row).text)
    return 0


@rubric.command("try")
def try_(
    file: Annotated[str, typer.Argument(metavar="RUBRIC", help="A rubric file, or the name of a known one.")],
    solution: Annotated[
        Path, typer.Option("--solution", metavar="NOTEBOOK", help="A notebook that deserves all points.")
    ],
    blank: Annotated[
        Path | None,
        typer.Option("--blank", metavar="NOTEBOOK", help="The handout, which deserves none."),
    ] = None,
    wrong: Annotated[
        list[str] | None,
        typer.Option(
            "--wrong", metavar="NOTEBOOK:CRITERION", help="A mistake of yours, and who should notice it."
        ),
    ] = None,
    mutants: Annotated[
        bool, typer.Option("--mutants/--no-mutants", help="Make mistakes in the solution.")
    ] = True,
    data: Data = None,
    sandbox: SandboxName = None,
    reference: ReferenceFolder = None,
) -> int:
    """Try a rubric before a class does: a solution, the blank handout, and solutions with mistakes in them.

    Example: grader rubric try rubrics/lab4.yaml --solution solved.ipynb --blank lab4.ipynb
    """
    from grader.cli import setup
    from grader.cli.trial_table import print_trial
    from grader.files.named import read_bytes
    from grader.workflows.regrading.rubrics import RubricShelf
    from grader.workflows.running.planning import require_data
    from grader.workflows.trying.try_rubric import WrongNotebook, try_rubric

    # A solution is the instructor's own: the folder that it lies in is the course's.
    options = setup.settings(data=data, sandbox=sandbox, reference=reference)
    loaded = RubricShelf(setup.places(), zone=setup.zone(options)).load(file)
    require_data(loaded, options.data)
    known = [criterion.id for criterion in loaded.rubric.criteria]
    mistakes = [
        WrongNotebook(path, read_bytes(Path(path)), _known(name, known))
        for path, name in map(_split, wrong or ())
    ]
    box = setup.sandbox(options)
    try:
        trial = try_rubric(
            loaded,
            setup.reference(options),
            box,
            solution=read_bytes(solution),
            blank=None if blank is None else read_bytes(blank),
            wrong=mistakes,
            mutants=lambda mutant: mutants,
            told=lambda text: print_note(f"running {text}"),
        )
    finally:
        box.close()
    print_trial(trial)
    return 0 if trial.sound else 1


def _split(text: str) -> tuple[str, str]:
    path, given, criterion = text.rpartition(":")
    if not given:
        raise UsageError("no criterion is named", where=f"--wrong {text}", expected="NOTEBOOK:CRITERION")
    return path, criterion


def _known(criterion: str, known: list[str]) -> str:
    from grader.rubric.problems import nearest

    if criterion not in known:
        raise UsageError(f"no criterion is called '{criterion}'{nearest(criterion, known)}", where="--wrong")
    return criterion
