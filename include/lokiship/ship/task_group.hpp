#ifndef LOKISHIP_SHIP_TASK_GROUP_HPP
#define LOKISHIP_SHIP_TASK_GROUP_HPP

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <cstddef>
#include <exception>
#include <list>
#include <utility>

namespace lokiship::ship {

/// Operations that run side by side on one executor, and belong to the coroutine that waits for them: it must not end
/// before `empty`, unless its executor's context is destroyed. Not thread-safe; the executor must be a single thread's, or
/// a strand.
class task_group {
public:
    explicit task_group(const boost::asio::any_io_executor& executor)
        : changed_(executor, boost::asio::steady_timer::time_point::max()) {}
    task_group(const task_group&) = delete;
    task_group& operator=(const task_group&) = delete;

    std::size_t size() const noexcept { return running_; }
    bool empty() const noexcept { return running_ == 0; }
    /// Whether one has thrown; `wait` will rethrow the first such exception when the others have ended.
    bool failed() const noexcept { return failure_ != nullptr; }

    /// Begins an operation; it may end at once.
    void spawn(boost::asio::awaitable<void> operation) {
        task& t = tasks_.emplace_back();
        ++running_;
        boost::asio::co_spawn(
            changed_.get_executor(), std::move(operation),
            boost::asio::bind_cancellation_slot(t.cancel.slot(), [this, &t](std::exception_ptr e) {
                if (e)
                    fail(std::move(e));
                t.ended = true;
                --running_;
                wake();
            }));
    }

    /// As if one had thrown this.
    void fail(std::exception_ptr e) noexcept {
        if (!failure_)
            failure_ = std::move(e);
    }

    /// Lets `wait` return as if one had ended.
    void wake() {
        news_ = true;
        changed_.cancel();
    }

    /// Waits until one has ended since the last call; not at all where none is under way. Where one has thrown, waits for all
    /// and rethrows. When cancelled, cancels all, waits for them, and throws `operation_aborted`; the awaiting coroutine cannot
    /// be cancelled from then on.
    ///
    /// Precondition: the awaiting coroutine has called `this_coro::throw_if_cancelled(false)`, or cannot be cancelled: else
    /// its cancellation elsewhere than here has `co_await` throw, and nobody waits.
    boost::asio::awaitable<void> wait() {
        for (;;) {
            const auto state = co_await boost::asio::this_coro::cancellation_state;
            if (state.cancelled() != boost::asio::cancellation_type::none) {
                co_await boost::asio::this_coro::reset_cancellation_state(
                    boost::asio::disable_cancellation());
                co_await cancel_all();
                throw boost::system::system_error(boost::asio::error::operation_aborted);
            }
            if (running_ == 0 || (news_ && !failure_))
                break;
            co_await changed_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        }
        news_ = false;
        tasks_.remove_if([](const task& t) { return t.ended; });
        if (failure_)
            std::rethrow_exception(std::exchange(failure_, nullptr));
    }

private:
    struct task {
        boost::asio::cancellation_signal cancel;
        bool ended = false;
    };

    boost::asio::awaitable<void> cancel_all() {
        for (auto& t : tasks_)
            t.cancel.emit(boost::asio::cancellation_type::terminal);
        while (running_ != 0)
            co_await changed_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }

    /// Never expires: cancelled when an operation has ended.
    boost::asio::steady_timer changed_;
    std::list<task> tasks_;
    std::size_t running_ = 0;
    bool news_ = false;
    std::exception_ptr failure_{};
};

} // namespace lokiship::ship

#endif
