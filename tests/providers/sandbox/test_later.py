"""What waits for its time, and a clock that can be put forward."""

import asyncio

from providers.sandbox.later import Later


async def turns() -> None:
    """Long enough for what is due at once."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_work_is_done_in_the_order_of_its_time() -> None:
    later, done = Later(), list[str]()
    now = later.now()
    for name, moment in (("third", 30), ("first", 10), ("second", 20), ("second again", 20)):
        later.at(now + moment, lambda name=name: done.append(name))  # type: ignore[misc]  # a default keeps the name
    later.advance(15)
    await turns()
    assert done == ["first"]
    later.advance(15)
    await turns()
    assert done == ["first", "second", "second again", "third"]


async def test_work_may_plan_more() -> None:
    later, done = Later(), list[int]()

    def step() -> None:
        done.append(len(done))
        if len(done) < 3:
            later.after(60, step)

    later.after(0, step)
    await turns()
    assert done == [0]
    later.advance(3600)
    await turns()
    assert done == [0, 1], "time that was skipped is not made up for"


async def test_work_that_plans_more_for_now_gives_others_a_turn() -> None:
    later, done = Later(), list[str]()

    def again() -> None:
        done.append("work")
        if len(done) < 6:
            later.at(0.0, again)

    later.after(0, again)
    asyncio.get_running_loop().call_soon(lambda: done.append("before"))
    while len(done) < 6:
        await asyncio.sleep(0)
        done.append("another")
    assert "work,work" not in ",".join(done)


async def test_one_failure_leaves_the_rest() -> None:
    later, done, told = Later(), list[str](), list[str]()
    asyncio.get_running_loop().set_exception_handler(lambda _loop, told_of: told.append(told_of["message"]))

    def fail() -> None:
        raise RuntimeError

    later.after(0, fail)
    later.after(0, lambda: done.append("done"))
    await turns()
    assert (done, len(told)) == (["done"], 1)


async def test_clearing_forgets_what_waits_and_the_time() -> None:
    later, done = Later(), list[str]()
    before = later.now()
    later.after(60, lambda: done.append("done"))
    later.advance(30)
    later.clear()
    assert abs(later.now() - before) < 5
    later.advance(3600)
    await turns()
    assert done == []
