#include <lokiship/ship/task_group.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(task_group_)

using namespace lokiship;
namespace asio = boost::asio;
using asio::awaitable;
using ship::task_group;

namespace {

/// Events in the order in which they were.
struct journal : std::vector<std::string> {};

awaitable<void> turns(int n, std::string name, journal& out) {
    for (; n != 0; --n)
        co_await asio::post(asio::use_awaitable);
    out.push_back(name);
}
awaitable<void> fails(std::string what) {
    co_await asio::post(asio::use_awaitable);
    throw std::runtime_error(what);
}
awaitable<void> until_cancelled(std::string name, journal& out) {
    asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    boost::system::error_code ec;
    co_await never.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    out.push_back(name + (ec ? " was cancelled" : " expired"));
}

/// Runs a coroutine until nothing is left to do; what it threw.
std::exception_ptr run(asio::io_context& context, awaitable<void> a, asio::cancellation_slot slot = {}) {
    std::exception_ptr out;
    asio::co_spawn(context, std::move(a),
                   asio::bind_cancellation_slot(slot, [&](std::exception_ptr e) { out = e; }));
    context.run();
    context.restart();
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(each_end_is_told_of) {
    asio::io_context context(1);
    journal j;
    const auto all = [&]() -> awaitable<void> {
        task_group group(co_await asio::this_coro::executor);
        BOOST_TEST(group.empty());
        co_await group.wait(); // for nothing
        group.spawn(turns(5, "slow", j));
        group.spawn(turns(1, "quick", j));
        BOOST_TEST(group.size() == 2u);
        co_await group.wait();
        BOOST_TEST(group.size() == 1u);
        j.push_back("one has ended");
        group.spawn(turns(0, "at once", j));
        co_await group.wait();
        j.push_back("another has ended");
        co_await group.wait();
        BOOST_TEST(group.empty());
    };
    BOOST_TEST(!run(context, all()));
    BOOST_TEST(j == (journal{{"quick", "one has ended", "at once", "another has ended", "slow"}}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_one_throws_is_thrown_when_all_have_ended) {
    asio::io_context context(1);
    journal j;
    const auto all = [&]() -> awaitable<void> {
        task_group group(co_await asio::this_coro::executor);
        group.spawn(fails("first"));
        group.spawn(fails("second"));
        group.spawn(turns(9, "the last", j));
        try {
            co_await group.wait();
        } catch (const std::runtime_error& e) {
            j.push_back(e.what());
        }
        BOOST_TEST(group.empty());
        BOOST_TEST(!group.failed());
    };
    BOOST_TEST(!run(context, all()));
    BOOST_TEST(j == (journal{{"the last", "first"}}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_the_waiting_one_met_itself_waits_for_the_others) {
    asio::io_context context(1);
    journal j;
    const auto all = [&]() -> awaitable<void> {
        task_group group(co_await asio::this_coro::executor);
        group.spawn(turns(5, "slow", j));
        group.fail(std::make_exception_ptr(std::runtime_error("its own")));
        BOOST_TEST(group.failed());
        co_await group.wait();
        j.push_back("not thrown");
    };
    BOOST_CHECK_THROW(std::rethrow_exception(run(context, all())), std::runtime_error);
    BOOST_TEST(j == (journal{{"slow"}}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(whoever_waits_is_cancelled_with_all_of_them) {
    asio::io_context context(1);
    journal j;
    asio::cancellation_signal signal;
    const auto all = [&]() -> awaitable<void> {
        task_group group(co_await asio::this_coro::executor);
        group.spawn(until_cancelled("one", j));
        group.spawn(until_cancelled("another", j));
        asio::post(context, [&] { signal.emit(asio::cancellation_type::terminal); });
        co_await group.wait();
        j.push_back("not reached");
    };
    const auto thrown = run(context, all(), signal.slot());
    BOOST_REQUIRE(thrown);
    BOOST_CHECK_EXCEPTION(std::rethrow_exception(thrown), boost::system::system_error,
                          [](const auto& e) { return e.code() == asio::error::operation_aborted; });
    BOOST_TEST(j == (journal{{"one was cancelled", "another was cancelled"}}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(whoever_is_cancelled_before_it_waits_waits_for_all_the_same) {
    asio::io_context context(1);
    journal j;
    asio::cancellation_signal signal;
    const auto all = [&]() -> awaitable<void> {
        co_await asio::this_coro::throw_if_cancelled(false);
        task_group group(co_await asio::this_coro::executor);
        group.spawn(until_cancelled("one", j));
        signal.emit(asio::cancellation_type::terminal);
        co_await group.wait();
        j.push_back("not reached");
    };
    const auto thrown = run(context, all(), signal.slot());
    BOOST_REQUIRE(thrown);
    BOOST_CHECK_THROW(std::rethrow_exception(thrown), boost::system::system_error);
    BOOST_TEST(j == (journal{{"one was cancelled"}}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
