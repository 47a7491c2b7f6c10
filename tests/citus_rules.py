"""What Citus refuses, or would carry photos to the coordinator for, told from the text alone.

The statement is parsed by PostgreSQL's own parser (pglast). It is not a planner: it knows the rules
that our statements came up against (docs/explanation/scaling.md), and a server has the last word.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pglast
from pglast import ast

# Tables that are cut into shards, and views of them, with the column that says on which shard a row
# lies. A table of another name is a reference table or a table of the coordinator.
SHARDED = {
    "photos": "id",
    "usable_photos": "id",
    "cluster_members": "photo_id",
    "cluster_moves": "photo_id",
    "cluster_run_photo_moves": "photo_id",
    "photo_files": "photo_id",
    "work_aside": "photo_id",
    "work_assignments": "photo_id",
    "work_candidates": "photo_id",
    "work_drawn": "photo_id",
    "work_measured": "photo_id",
    "work_sample": "photo_id",
}
_KEYS = set(SHARDED.values())
_VOLATILE = {"random", "clock_timestamp", "timeofday", "gen_random_uuid", "nextval"}
# Nothing may depend on when it is asked in DO UPDATE SET.
_NOT_IMMUTABLE = _VOLATILE | {"now", "statement_timestamp", "transaction_timestamp"}
# Of an embedding they make something small. avg sends a mean a group.
_REDUCING = {"avg", "count", "max", "min", "sum", "vector_dims", "vector_norm", "pg_column_size"}


def broken_rules(text: str) -> list[str]:
    """The rules that a statement breaks, as a person reads them; the text as it is in its file."""
    [raw] = pglast.parse_sql(re.sub(r"%\(\w+\)[sb]", "NULL", text))
    return sorted(set(_Checked().statement(raw.stmt)))


@dataclass
class _Checked:
    """One statement as it is walked through.

    Attributes:
        named: CTEs so far; Citus computes each apart and hands its rows out.
    """

    named: set[str] = field(default_factory=set)

    def statement(self, node: Any) -> Iterator[str]:
        yield from self._common_tables(node)
        match node:
            case ast.SelectStmt():
                yield from self._select(node)
            case ast.InsertStmt():
                yield from self._insert(node)
            case ast.UpdateStmt() | ast.DeleteStmt():
                yield from self._modify(node)
            case ast.CreateTableAsStmt():
                yield "CREATE TABLE AS is not distributed: create it empty, and INSERT"
            case ast.TruncateStmt():
                yield "TRUNCATE fails after a read in one transaction: DELETE"
            case ast.CreateTrigStmt():
                yield "Citus refuses triggers"

    def _common_tables(self, node: Any) -> Iterator[str]:
        clause = getattr(node, "withClause", None)
        for common in clause.ctes if clause else ():
            query = common.ctequery
            if isinstance(query, ast.SelectStmt):
                yield from self._apart(query)
                yield from self._select(query)
            elif query.relation.relname in SHARDED:
                yield "rows that a CTE modifies are all sent to the coordinator"
            self.named.add(common.ctename)

    def _insert(self, node: Any) -> Iterator[str]:
        conflict = node.onConflictClause
        if conflict and conflict.targetList and _calls(conflict.targetList) & _NOT_IMMUTABLE:
            yield "a function in DO UPDATE SET must be immutable: take excluded's value"
        select = node.selectStmt
        if isinstance(select, ast.SelectStmt) and not select.valuesLists:
            common = node.withClause.ctes if node.withClause else ()
            if any(not isinstance(each.ctequery, ast.SelectStmt) for each in common):
                yield "nothing is inserted beside a CTE that modifies: a statement each"
            yield from self._select(select)
            if node.relation.relname not in SHARDED:
                yield from self._apart(select)

    def _modify(self, node: Any) -> Iterator[str]:
        if _calls([each for each in _parts(node) if each is not node.withClause]) & _VOLATILE:
            yield "a function in UPDATE or DELETE must not be volatile: statement_timestamp()"
        sharded = node.relation.relname in SHARDED
        for common in node.withClause.ctes if node.withClause and not sharded else ():
            if self._reads_shards(common.ctequery) and not _calls(common.ctequery) & _VOLATILE:
                yield "a single shard would get it whole: clock_timestamp() keeps the CTE apart"
        items = getattr(node, "fromClause", None) or getattr(node, "usingClause", None) or ()
        others = self._tables([items, node.whereClause])
        if not sharded and any(name in SHARDED for name in others):
            yield "a whole table can't be modified by what shards hold: let a CTE tell first"
        if sharded and any(
            isinstance(item, ast.RangeVar) and item.schemaname == "pg_temp" for item in items
        ):
            yield "shards can't be joined with a table of the coordinator: let a CTE tell first"
        target = [node.relation] if sharded else []
        yield from self._joined_by_key([*target, *items], node.whereClause)
        for inner in _selects(items):
            yield from self._select(inner)

    def _select(self, node: Any) -> Iterator[str]:
        """Rules for a SELECT and all in it."""
        if node.op.name != "SETOP_NONE":
            yield from self._select(node.larg)
            yield from self._select(node.rarg)
            return
        items = node.fromClause or ()
        direct = [name for name in _direct_tables(items) if name in SHARDED]
        below = [name for name in self._tables(items) if name in SHARDED]
        if node.lockingClause and below:
            yield "Citus locks no rows on several shards"
        if below and any(isinstance(each, ast.GroupingSet) for each in node.groupClause or ()):
            yield "Citus knows no GROUPING SETS: let a CTE count first"
        if direct and not self._grouped_by_key(node) and _sorts_to_add_up(node.targetList):
            yield "an aggregate that sorts sends all its rows: add up in any order"
        if below and any(_selects(node.targetList or ())):
            yield from self._selected_in_the_list(node)
        yield from self._joined_by_key(items, node.whereClause)
        for item in _subselects(items):
            limited = bool(item.subquery.limitCount or item.subquery.limitOffset)
            if limited and self._reads_shards(item.subquery) and not self._looks_up(item):
                yield from self._apart(item.subquery)
                if any(self._looks_up(other) for other in _subselects(items)):
                    yield "what is cut by LIMIT or OFFSET can't be looked up in: let a CTE tell"
            if self._groups_apart(item.subquery):
                yield from self._apart(item.subquery)
            yield from self._select(item.subquery)

    def _selected_in_the_list(self, node: Any) -> Iterator[str]:
        for inner in _selects(node.targetList or ()):
            if self._reads_shards(inner):
                yield "a subquery for each row of the list is refused: LEFT JOIN and GROUP BY"

    def _apart(self, node: Any) -> Iterator[str]:
        """For what Citus computes first, to send its rows on: no embedding may be among them."""
        if not self._reads_shards(node) or node.op.name != "SETOP_NONE":
            return
        if any(_carries_embedding(target) for target in node.targetList or ()):
            yield "embeddings would leave their shards"

    def _groups_apart(self, node: Any) -> bool:
        return (
            bool(node.groupClause) and self._reads_shards(node) and not self._grouped_by_key(node)
        )

    def _grouped_by_key(self, node: Any) -> bool:
        return any(_column(each) in _KEYS for each in node.groupClause or ())

    def _looks_up(self, item: Any) -> bool:
        """Whether it is a LATERAL that finds the photo of a row by its key."""
        inner = item.subquery
        if not (item.lateral and self._reads_shards(inner)):
            return False
        return any(
            _column(left) in _KEYS and _column(right) in _KEYS
            for left, right in _equalities(inner.whereClause)
        )

    def _reads_shards(self, node: Any) -> bool:
        return any(name in SHARDED for name in self._tables(node))

    def _tables(self, node: Any) -> Iterator[str]:
        for each in _nodes(node):
            if isinstance(each, ast.RangeVar) and each.relname not in self.named:
                yield each.relname

    def _joined_by_key(self, items: Any, where: Any) -> Iterator[str]:
        """Sharded tables beside each other must be joined by the ids of photos, all of them."""
        aliases = {
            (each.alias.aliasname if each.alias else each.relname)
            for each in _direct(items)
            if each.relname in SHARDED and each.relname not in self.named
        }
        if len(aliases) < 2:
            return
        joined = {
            frozenset((_qualifier(left), _qualifier(right)))
            for left, right in [*_equalities(where), *_join_equalities(items)]
            if _column(left) in _KEYS and _column(right) in _KEYS
        }
        reached = {min(aliases)}
        for _ in aliases:
            reached |= {name for pair in joined if pair & reached for name in pair if name}
        if not aliases <= reached:
            yield f"{', '.join(sorted(aliases))} are not joined by the ids of photos"


def _nodes(node: Any) -> Iterator[Any]:
    if isinstance(node, ast.Node):
        yield node
    for each in _parts(node):
        yield from _nodes(each)


def _parts(node: Any) -> Iterator[Any]:
    """What a node of the tree, or a list of nodes, is made of."""
    if isinstance(node, tuple | list):
        yield from node
    elif isinstance(node, ast.Node):
        yield from (getattr(node, name) for name in node.__slots__)


def _selects(node: Any) -> Iterator[Any]:
    return (each for each in _nodes(node) if isinstance(each, ast.SelectStmt))


def _direct(items: Any) -> Iterator[Any]:
    """Tables that stand in FROM themselves."""
    for item in items:
        if isinstance(item, ast.RangeVar):
            yield item
        elif isinstance(item, ast.JoinExpr):
            yield from _direct((item.larg, item.rarg))


def _direct_tables(items: Any) -> Iterator[str]:
    return (item.relname for item in _direct(items))


def _subselects(items: Any) -> Iterator[Any]:
    for item in items:
        if isinstance(item, ast.RangeSubselect):
            yield item
        elif isinstance(item, ast.JoinExpr):
            yield from _subselects((item.larg, item.rarg))


def _equalities(condition: Any) -> Iterator[tuple[Any, Any]]:
    for each in _nodes(condition):
        if isinstance(each, ast.A_Expr) and [name.sval for name in each.name] == ["="]:
            yield each.lexpr, each.rexpr


def _join_equalities(items: Any) -> Iterator[tuple[Any, Any]]:
    for item in items:
        if isinstance(item, ast.JoinExpr):
            yield from _equalities(item.quals)
            yield from _join_equalities((item.larg, item.rarg))


def _column(node: Any) -> str | None:
    """The name of a column, without that of its table."""
    if isinstance(node, ast.ColumnRef) and isinstance(node.fields[-1], ast.String):
        return str(node.fields[-1].sval)
    return None


def _qualifier(node: Any) -> str | None:
    return str(node.fields[0].sval) if len(node.fields) > 1 else None


def _calls(node: Any) -> set[str]:
    return {_name(each) for each in _nodes(node) if isinstance(each, ast.FuncCall)}


def _name(call: Any) -> str:
    return str(call.funcname[-1].sval)


def _sorts_to_add_up(node: Any) -> bool:
    """Whether an aggregate in it puts its rows in order first."""
    if isinstance(node, ast.SubLink):
        return False
    if isinstance(node, ast.FuncCall) and node.agg_order and not node.over:
        return True
    return any(_sorts_to_add_up(each) for each in _parts(node))


def _carries_embedding(node: Any) -> bool:
    """Whether its value is an embedding, or holds some."""
    if isinstance(node, ast.ColumnRef):
        return _column(node) == "embedding" or isinstance(node.fields[-1], ast.A_Star)
    if isinstance(node, ast.FuncCall) and _name(node) in _REDUCING:
        return False
    if isinstance(node, ast.A_Expr | ast.NullTest | ast.SubLink):
        return False
    return any(_carries_embedding(each) for each in _parts(node))
