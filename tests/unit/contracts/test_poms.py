"""What a POM comes to with its parents and imports."""

from __future__ import annotations

from contracts import poms
from contracts.readings.maven import Coordinates, Dependency, Pom

PARENT = Coordinates(group_id="org.acme", artifact_id="parent", version="7")


def needs(artifact: str, version: str | None = None, **fields: str) -> Dependency:
    return Dependency(group_id="org.acme", artifact_id=artifact, version=version, **fields)


def pom(**fields: object) -> Pom:
    return Pom(artifact_id="app", parent=PARENT, **fields)  # type: ignore[arg-type]


def versions(*lineage: Pom, boms: tuple[list[Pom], ...] = ()) -> dict[str, str | None]:
    found = poms.dependencies(lineage, boms)
    return {each.artifact_id or "": each.version for each in found}


def test_a_version_of_its_own_is_taken_as_it_is():
    assert {"a": "[1.0,2.0)"} == versions(pom(dependencies=[needs("a", "[1.0,2.0)")]))


def test_properties_of_a_pom_come_before_those_of_its_parents():
    child = pom(properties={"v": "2"}, dependencies=[needs("a", "${v}"), needs("b", "${w}")])
    parent = Pom(properties={"v": "1", "w": "3"})

    assert {"a": "2", "b": "3"} == versions(child, parent)


def test_what_a_pom_says_of_itself_is_a_property_and_its_parent_fills_in():
    child = pom(dependencies=[needs("a", "${project.version}"), needs("b", "${parent.version}")])

    assert {"a": "7", "b": "7"} == versions(child)


def test_names_are_filled_in_with_those_of_the_child_and_not_of_the_parent_that_wrote_them():
    written = Dependency(group_id="${project.groupId}", artifact_id="${project.artifactId}-api")
    child = Pom(group_id="org.child", artifact_id="app", parent=PARENT)

    [found] = poms.dependencies([child, Pom(group_id="org.acme", dependencies=[written])], [])

    assert ("org.child", "app-api") == (found.group_id, found.artifact_id)


def test_placeholders_are_filled_in_inside_out():
    known = {"kind": "core", "core.version": "${major}.1", "major": "4"}

    assert "4.1" == poms.filled("${${kind}.version}", known)


def test_what_is_missing_or_goes_in_circles_or_grows_without_end_is_not_known():
    assert poms.filled("${missing}", {}) is None
    assert poms.filled("1.${a}", {"a": "${b}", "b": "${a}"}) is None
    assert poms.filled("${a}", {"a": "${a}${a}"}) is None
    assert (
        poms.filled("${a}", {f"{x}": f"${{{y}}}" * 40 for x, y in zip("abc", "bcd", strict=True)})
        is None
    )
    assert poms.filled("${unclosed", {}) is None


def test_a_version_that_is_left_out_is_the_managed_one_of_the_nearest_pom():
    child = pom(dependencies=[needs("a"), needs("b"), needs("c")], managed=[needs("a", "2")])
    parent = Pom(managed=[needs("a", "1"), needs("b", "3", scope="test")])

    found = {each.artifact_id: each for each in poms.dependencies([child, parent], [])}

    assert ("2", "3", None) == tuple(found[name].version for name in "abc")
    assert "test" == found["b"].scope


def test_management_tells_types_and_classifiers_apart():
    child = pom(
        dependencies=[needs("a", classifier="tests"), needs("a")],
        managed=[needs("a", "1", type="jar"), needs("a", "2", classifier="tests")],
    )

    assert ["2", "1"] == [each.version for each in poms.dependencies([child], [])]


def test_imported_versions_come_after_managed_ones_and_the_first_import_before_the_second():
    child = pom(dependencies=[needs("a"), needs("b")], managed=[needs("a", "1")])
    first = [Pom(properties={"b": "5"}, managed=[needs("a", "2"), needs("b", "${b}")])]
    second = [Pom(managed=[needs("b", "6")])]

    assert {"a": "1", "b": "5"} == versions(child, boms=(first, second))


def test_imports_are_named_with_the_properties_of_who_imports():
    bom = needs("bom", "${boot}", scope="import", type="pom")
    lost = needs("lost", "${nowhere}", scope="import", type="pom")
    parent = Pom(properties={"boot": "3.1"}, managed=[bom, lost])

    assert [Coordinates(group_id="org.acme", artifact_id="bom", version="3.1")] == poms.imports(
        [pom(), parent]
    )


def test_imports_are_needed_only_for_what_runs():
    tested = pom(dependencies=[needs("a", scope="test"), needs("b", "1")])
    run = pom(dependencies=[needs("c"), needs("d", "${gone}")])

    assert (set(), {"c", "d"}) == (poms.unmanaged([tested]), poms.unmanaged([run]))


def test_a_dependency_of_the_parent_is_one_of_the_child_which_may_say_it_anew():
    child = pom(dependencies=[needs("a", "2")])
    parent = Pom(dependencies=[needs("a", "1"), needs("b", "1")])

    assert {"a": "2", "b": "1"} == versions(child, parent)
