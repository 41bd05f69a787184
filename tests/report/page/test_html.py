"""What all pages in HTML have in common: escaped values, no undefined name, one style."""

import hashlib
from base64 import b64encode

import pytest
from jinja2 import UndefinedError

from lenetlab.report.page.html import TEMPLATES, environment, script_hash


def test_values_are_escaped_and_the_style_is_not(tmp_path):
    (tmp_path / "one.html").write_text("<style>{{ style }}</style>{{ name }}")
    text = environment(tmp_path).get_template("one.html").render(name="</style><b>")
    assert text == f"<style>{(TEMPLATES / 'page.css').read_text()}</style>&lt;/style&gt;&lt;b&gt;"


def test_a_name_that_is_not_given_is_an_error(tmp_path):
    (tmp_path / "one.html").write_text("{{ nothing }}")
    with pytest.raises(UndefinedError):
        environment(tmp_path).get_template("one.html").render()


def test_a_block_leaves_no_line_behind(tmp_path):
    (tmp_path / "one.html").write_text(
        "<ul>\n  {% for n in (1, 2) %}\n<li>{{ n }}\n  {% endfor %}\n"
    )
    assert environment(tmp_path).get_template("one.html").render() == "<ul>\n<li>1\n<li>2\n"


def test_a_script_has_the_hash_that_browsers_compute():
    expected = b64encode(hashlib.sha256("é".encode()).digest()).decode()
    assert script_hash("é") == f"'sha256-{expected}'"
