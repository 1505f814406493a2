"""Following the newest text: every way in and out."""

from __future__ import annotations

from tui.widgets.following import NEAR, Follow, Following


def test_a_step_up_lets_go_and_news_is_counted():
    follows = Following()
    follows.arrived(1)
    assert (follows.sticks, follows.news) == (True, 0)
    follows.scrolled(1, upwards=True)
    assert follows.state is Follow.DETACHED
    follows.arrived(2)
    follows.arrived()
    assert (follows.news, follows.grown, follows.sticks) == (2, True, False)


def test_a_step_up_at_the_very_end_of_a_short_text_holds_on():
    follows = Following()
    follows.scrolled(0, upwards=True)
    assert follows.sticks


def test_near_the_end_it_comes_back_with_the_next_frame():
    follows = Following(Follow.DETACHED, 3, grown=True)
    follows.scrolled(NEAR + 1, upwards=False)
    assert follows.state is Follow.DETACHED
    follows.scrolled(NEAR, upwards=False)
    assert follows.state is Follow.RETURNING
    assert follows.sticks
    assert follows.framed()
    assert (follows.state, follows.news, follows.grown) == (Follow.FOLLOWING, 0, False)
    assert not follows.framed()


def test_a_step_up_while_returning_lets_go_again():
    follows = Following(Follow.RETURNING, 1)
    follows.scrolled(1, upwards=True)
    assert follows.state is Follow.DETACHED


def test_asking_for_the_end_forgets_the_news():
    follows = Following(Follow.DETACHED, 5, grown=True)
    follows.go_to_end()
    assert (follows.sticks, follows.news, follows.grown) == (True, 0, False)
