"""Cargo, Maven, Gradle, Go, Ruby, PHP and conda."""

from __future__ import annotations

from services.ingest import manifests
from tests.support.manifests import asked, locked, requirements, short


def test_cargo_inherits_from_its_workspace_and_renames():
    files = {
        "Cargo.toml": (
            '[workspace]\nmembers = ["a"]\n[workspace.dependencies]\n'
            'serde = {version = "1.0", features = ["derive"]}\nlog = "0.4"\n'
            'inner = {path = "inner"}\n'
        ),
        "a/Cargo.toml": (
            '[package]\nname = "a"\n[dependencies]\nserde.workspace = true\n'
            "log = {workspace = true, optional = true}\ninner = {workspace = true}\n"
            'old-rand = {package = "rand", version = "0.7"}\n'
            'far = {git = "https://example.org/far"}\nours = {version = "1", registry = "ours"}\n'
            'both = {path = "../both", version = "0.2"}\n'
            "[target.'cfg(windows)'.dependencies]\nwinapi = '0.3'\n"
            '[build-dependencies]\ncc = "1"\n[dev_dependencies]\ntempdir = "0.3"\n'
        ),
    }

    found = manifests.read(files)

    assert short([one for one in found.requirements if not one.local]) == {
        ("pkg:cargo/serde", "1.0", "runtime"),
        ("pkg:cargo/log", "0.4", "optional"),
        ("pkg:cargo/rand", "0.7", "runtime"),
        ("pkg:cargo/far", "@ git+https://example.org/far", "runtime"),
        ("pkg:cargo/both", "0.2", "runtime"),
        ("pkg:cargo/winapi", "0.3", "runtime"),
        ("pkg:cargo/cc", "1", "build"),
        ("pkg:cargo/tempdir", "0.3", "dev"),
    }
    told = {one.name: one.extra for one in found.requirements}
    assert told["winapi"] == {"targets": ["cfg(windows)"]}
    assert told["rand"] == {"alias": "old-rand"}
    assert found.provides == {"pkg:cargo/a"}


def test_cargo_locks_crates_and_leaves_those_of_the_repository():
    text = (
        'version = 4\n[[package]]\nname = "own"\nversion = "0.1"\n[[package]]\nname = "rand"\n'
        'version = "0.9"\nsource = "registry+https://github.com/rust-lang/crates.io-index"\n'
    )

    assert locked("Cargo.lock", text) == {"own": {"0.1"}, "pkg:cargo/rand": {"0.9"}}


POM = """<?xml version="1.0" encoding="ISO-8859-1"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <parent><groupId>g</groupId><artifactId>root</artifactId><version>7</version></parent>
  <artifactId>café-less</artifactId>
  <!-- a note -->
  <properties><a>${b}</a><b>${a}</b><own.version>1.${minor}</own.version><minor>4</minor></properties>
  <dependencies>
    <dependency><groupId> ${project.groupId} </groupId><artifactId>sibling</artifactId>
      <version>${project.version}</version></dependency>
    <dependency><groupId>x</groupId><artifactId>managed</artifactId></dependency>
    <dependency><groupId>x</groupId><artifactId>by-bom</artifactId></dependency>
    <dependency><groupId>x</groupId><artifactId>nested</artifactId>
      <version>${own.version}</version><scope>test</scope></dependency>
    <dependency><groupId>x</groupId><artifactId>circle</artifactId><version>${a}</version></dependency>
    <dependency><groupId>x</groupId><artifactId>range</artifactId>
      <version>[1.0,
        2.0)</version><optional>true</optional></dependency>
    <dependency><groupId>x</groupId><artifactId>unknown</artifactId>
      <version>${nowhere}</version><scope>provided</scope></dependency>
    <dependency><groupId>${nowhere}</groupId><artifactId>lost</artifactId></dependency>
  </dependencies>
  <build><plugins><plugin><artifactId>maven-jar-plugin</artifactId><version>3</version></plugin>
  </plugins></build>
</project>"""
ROOT = """<project><groupId>g</groupId><artifactId>root</artifactId><version>7</version>
  <dependencyManagement><dependencies>
    <dependency><groupId>x</groupId><artifactId>managed</artifactId><version>${m}</version>
      <scope>test</scope></dependency>
    <dependency><groupId>g</groupId><artifactId>bom</artifactId><version>7</version>
      <type>pom</type><scope>import</scope></dependency>
  </dependencies></dependencyManagement>
  <properties><m>2.5</m></properties></project>"""
BOM = """<project><parent><groupId>g</groupId><artifactId>root</artifactId></parent>
  <artifactId>bom</artifactId><properties><v>9.9</v></properties>
  <dependencyManagement><dependencies>
    <dependency><groupId>x</groupId><artifactId>by-bom</artifactId><version>${v}</version></dependency>
  </dependencies></dependencyManagement></project>"""


def test_maven_takes_versions_from_parents_and_bills_of_materials():
    found = manifests.read({"pom.xml": ROOT, "app/pom.xml": POM, "bom/pom.xml": BOM})

    assert {one for one in short(list(found.requirements)) if one[0].startswith("pkg:")} == {
        ("pkg:maven/g/sibling", "7", "runtime"),
        ("pkg:maven/x/managed", "2.5", "dev"),
        ("pkg:maven/x/by-bom", "9.9", "runtime"),
        ("pkg:maven/x/nested", "1.4", "dev"),
        ("pkg:maven/x/circle", "${a}", "runtime"),
        ("pkg:maven/x/range", "[1.0, 2.0)", "optional"),
        ("pkg:maven/x/unknown", "${nowhere}", "peer"),
        ("pkg:maven/org.apache.maven.plugins/maven-jar-plugin", "3", "build"),
    }
    assert found.problems == (("app/pom.xml", "cannot tell which artifact 'lost' is"),)
    assert "pkg:maven/g/root" in found.provides


def test_parents_that_are_each_others_parents_end():
    pom = (
        "<project><parent><groupId>g</groupId><artifactId>{0}</artifactId></parent>"
        "<artifactId>{1}</artifactId></project>"
    )

    found = manifests.read({"a/pom.xml": pom.format("b", "a"), "b/pom.xml": pom.format("a", "b")})

    assert found.provides == {"pkg:maven/g/a", "pkg:maven/g/b"}


CATALOG = """
[versions]
guava = "33.0"
rich = {strictly = "[1,2)"}
[libraries]
guava = {module = "com.google.guava:guava", version.ref = "guava"}
junit-jupiter_api = {group = "org.junit.jupiter", name = "junit-jupiter-api", version = "5.1"}
short = "a.b:short:1.0"
rich = {module = "a.b:rich", version.ref = "rich"}
[bundles]
test = ["junit-jupiter_api", "short"]
"""
SCRIPT = """
plugins { id("java-library") }
val okhttp = "4.9"
// implementation("com.example:commented:1")
/* dependencies { implementation("com.example:out:1") } */
dependencies {
    implementation("com.squareup.okhttp3:okhttp:$okhttp") // see https://example.org
    api(platform(libs.guava))
    testImplementation(libs.bundles.test)
    compileOnly group: 'org.x', name: 'y', version: '2'
    annotationProcessor 'org.z:z:3@jar'
    api libs.rich,
        libs.short
    implementation(project(":other")) { exclude group: 'no', module: 'no' }
    implementation(kotlin("stdlib"))
    runtimeOnly(libs.missing)
}
"""


def test_gradle_is_read_as_far_as_it_is_written_out():
    files = {"gradle/libs.versions.toml": CATALOG, "app/build.gradle.kts": SCRIPT}

    found = manifests.read(files)

    assert short(list(found.requirements)) == {
        ("pkg:maven/com.squareup.okhttp3/okhttp", "4.9", "runtime"),
        ("pkg:maven/com.google.guava/guava", "33.0", "runtime"),
        ("pkg:maven/org.junit.jupiter/junit-jupiter-api", "5.1", "dev"),
        ("pkg:maven/a.b/short", "1.0", "dev"),
        ("pkg:maven/org.x/y", "2", "peer"),
        ("pkg:maven/org.z/z", "3", "build"),
        ("pkg:maven/a.b/rich", "[1,2)", "runtime"),
        ("pkg:maven/a.b/short", "1.0", "runtime"),
        ("pkg:maven/org.jetbrains.kotlin/kotlin-stdlib", None, "runtime"),
    }
    assert found.problems == (
        ("app/build.gradle.kts", "aliases of no catalog that was read: libs.missing"),
    )


def test_a_catalog_speaks_for_itself_only_without_scripts():
    assert len(asked("libs.versions.toml", CATALOG)) == 4
    assert asked("libs.versions.toml", CATALOG, **{"build.gradle": ""}) == set()


def test_go_replaces_and_knows_tools_and_what_was_brought_along():
    text = (
        "module m\ngo 1.24\nrequire (\n\ta.b/direct v1.0.0\n\ta.b/along v1.1.0 // indirect\n"
        '\ta.b/tools v0.1.0 // indirect\n\t"a.b/old" v1.0.0\n)\nrequire a.b/gone v2.0.0\n'
        "exclude a.b/bad v1.0.0\nreplace (\n\ta.b/old v1.0.0 => c.d/new v3.0.0\n)\n"
        "replace a.b/gone => ./gone\nretract [v1.0.0, v1.9.9]\ntool a.b/tools/cmd/x\n"
    )

    assert asked("go.mod", text) == {
        ("a.b/direct", "v1.0.0", "runtime"),
        ("a.b/tools", "v0.1.0", "dev"),
        ("c.d/new", "v3.0.0", "runtime"),
        ("./gone", None, "runtime"),
    }


def test_a_gemfile_has_groups_and_conditions():
    text = (
        'source "https://rubygems.org"\ngem "a", "~> 1", ">= 1.2", require: false\n'
        'group :development, :test do\n  if ENV["X"]\n    gem "b"\n  end\n'
        "  gem 'c', group: :x\nend\n"
        'gem "d", group: [:test]\n# gem "no"\ngem "e", path: "here"\ngem "f", github: "a/f"\n'
    )

    assert asked("Gemfile", text) == {
        ("a", "~> 1, >= 1.2", "runtime"),
        ("b", None, "dev"),
        ("c", None, "dev"),
        ("d", None, "dev"),
        ("e", None, "runtime"),
        ("f", "@ a/f", "runtime"),
    }


def test_a_gemfile_lock_names_what_was_asked_for():
    text = (
        "GEM\n  remote: https://rubygems.org/\n  specs:\n"
        "    a (1.2.3)\n      b (>= 1)\n    b (1.0)\n"
        "\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  a (~> 1)\n\nBUNDLED WITH\n   2.5\n"
    )

    assert asked("Gemfile.lock", text) == {("a", "~> 1", "runtime")}
    assert locked("Gemfile.lock", text) == {"a": {"1.2.3"}, "b": {"1.0"}}


def test_composer_asks_for_packages_and_not_for_the_platform():
    text = '{"require": {"php": "^8", "ext-json": "*", "a/b": "^1"}, "require-dev": {"c/d": "*"}}'

    assert asked("composer.json", text) == {("a/b", "^1", "runtime"), ("c/d", "*", "dev")}
    assert locked("composer.lock", '{"packages": [{"name": "a/b", "version": "v1.2"}]}') == {
        "a/b": {"v1.2"}
    }


def test_an_environment_holds_packages_of_conda_and_of_pip():
    text = (
        "name: x\ndependencies:\n  - python=3.10\n  - conda-forge::sqlite=3.29.0=h7b6447c_0\n"
        "  - pip\n  - pip:\n      - urllib3\n      - Django==2.0.0\n      - -r requirements.txt\n"
    )

    assert asked("environment.yml", text) == {
        ("python", "=3.10", "runtime"),
        ("sqlite", "=3.29.0", "runtime"),
        ("pip", None, "runtime"),
        ("pkg:pypi/urllib3", None, "runtime"),
        ("pkg:pypi/django", "==2.0.0", "runtime"),
    }
    assert requirements({"environment.yml": text})[0].ecosystem == "conda"
