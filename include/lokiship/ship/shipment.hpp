#ifndef LOKISHIP_SHIP_SHIPMENT_HPP
#define LOKISHIP_SHIP_SHIPMENT_HPP

#include <lokiship/ship/checkpoint.hpp>
#include <lokiship/ship/counters.hpp>
#include <lokiship/ship/delivery_options.hpp>
#include <lokiship/ship/outbox.hpp>
#include <lokiship/ship/spool.hpp>
#include <lokiship/ship/stream_progress.hpp>

#include <boost/unordered/unordered_flat_set.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <limits>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace lokiship::ship {

/// A stream as it is pushed: the entries of a spool's stream, or of some times of it, under labels of their own.
struct shipment_part {
    /// Of the spool.
    std::uint32_t stream = 0;
    loki::labels labels;
    /// Which of the stream's entries; ascending. Empty: all.
    std::vector<time_range> ranges{};
    /// What is older lies too far behind what somebody else ships into this stream.
    std::optional<timestamp> live_bar{};
    /// The same of a stream into which nobody shipped lately; Loki may have forgotten it, and takes anything then.
    std::optional<timestamp> idle_bar{};
    /// Goes before all others.
    bool urgent = false;

    stream_progress progress;
    /// The time of the last entry that was taken, by this run or an earlier one.
    std::optional<timestamp> taken_until{};
    /// The digests, ascending, of entries that an earlier run may have sent; and what Loki acknowledged then.
    std::vector<std::uint64_t> open_before{};
    /// The digests, ascending, of those of them that Loki would have taken when they were sent.
    std::vector<std::uint64_t> proven_before{};
    /// What is not later is brought together: one of those may be the newest that Loki has.
    std::optional<timestamp> together_until{};
    std::optional<loki::stream_window::memory> acknowledged{};
    /// Ascending ranges of positions in the spool's stream at which Loki has the entry: from the first to before the second.
    std::vector<std::pair<std::uint64_t, std::uint64_t>> present{};

    /// Whether an earlier run may have sent this entry.
    bool may_have_been_sent(const spooled_entry& e) const {
        return !open_before.empty() &&
               std::binary_search(open_before.begin(), open_before.end(), entry_digest(e.time, e.key));
    }

    /// Goes through the entries of a part.
    class cursor {
    public:
        cursor(const spool& s, const shipment_part& p)
            : cursor_(s.read(p.stream))
            , ranges_(p.ranges) {}
        /// False at the end.
        bool next(spooled_entry& out) {
            do {
                if (ended_ || !cursor_.next(out) || is_behind_all(out.time)) {
                    ended_ = true;
                    return false;
                }
            } while (!is_wanted(out.time));
            ++position_;
            return true;
        }
        /// How many were read.
        std::uint64_t position() const noexcept { return position_; }
        /// Where the last one stands in the spool's stream, counted from 0.
        std::uint64_t stream_position() const noexcept { return cursor_.position() - 1; }
        void release() { cursor_.release(); }

    private:
        bool is_wanted(timestamp t) const noexcept {
            return ranges_.empty() || std::any_of(ranges_.begin(), ranges_.end(),
                                                  [t](const time_range& r) { return r.contains(t); });
        }
        bool is_behind_all(timestamp t) const noexcept {
            return !ranges_.empty() && ranges_.back().until && t >= *ranges_.back().until;
        }

        spool::cursor cursor_;
        std::vector<time_range> ranges_;
        std::uint64_t position_ = 0;
        bool ended_ = false;
    };
};

/// Brings what lies in a spool to the outbox, a batch a stream at a time and the oldest first, and keeps account of what
/// became of each entry. Few entries are in memory at any time. Not thread-safe; the spool and the rest that it is given
/// must outlive it.
class shipment {
public:
    struct options {
        /// How many streams are in the outbox at the same time; see `limit_ready` as well.
        std::size_t streams = 8;
        /// How much of a stream is brought at once.
        std::size_t max_entries = 1000, max_bytes = 1024 * 1024;
        /// About what all that is in the outbox may take; what is brought at once may go beyond it.
        std::size_t max_memory = 16 * 1024 * 1024;
        /// Lines are brought, too; else they stay in the spool until they are asked for.
        bool with_lines = false;
    };
    /// Why an entry is not to be sent, where it is not; it then has been reported.
    using refuse_function =
        std::function<std::optional<loki::reject_reason>(const shipment_part&, const spooled_entry&)>;

    shipment(const spool& source, outbox& box, counters& count, const options& o, refuse_function refuse)
        : spool_(source)
        , box_(box)
        , count_(count)
        , options_(o)
        , refuse_(std::move(refuse)) {}
    shipment(const shipment&) = delete;
    shipment& operator=(const shipment&) = delete;

    /// Adds a part; what it has settled is not brought again.
    void add(shipment_part part) {
        loaded_part& l = parts_.emplace_back(std::move(part));
        touch(static_cast<std::uint32_t>(parts_.size() - 1));
        const spooled_stream& stream = spool_.streams()[l.part.stream];
        l.left = stream.entries - std::min(stream.entries, l.part.progress.settled());
        left_ += l.left;
        l.next = stream.oldest;
        if (!l.part.ranges.empty())
            l.next = std::max(l.next, l.part.ranges.front().from.value_or(l.next));
        wait_again(static_cast<std::uint32_t>(parts_.size() - 1));
    }

    std::size_t size() const noexcept { return parts_.size(); }
    const shipment_part& operator[](std::size_t i) const noexcept { return parts_[i].part; }

    /// From now on no more is brought when so many streams, at least two, can be pushed, until half of them are left.
    void limit_ready(std::size_t n) noexcept { most_ready_ = n; }

    /// Brings entries to the outbox where it has room for many. Comes back now and then, where many are settled without a push,
    /// so that others have their turn: call it again where `needs_more`.
    void top_up(steady_time now) {
        std::erase_if(idle_lanes_, [&](std::uint32_t n) { return forget_lane(parts_[n], now); });
        std::size_t ready = box_.ready();
        // Not one by one: what was brought has to be on disk before it is sent.
        if (!has_much_room(ready) && ready != 0)
            return;
        for (std::size_t loads = 0; loads != max_loads && loaded_streams_ < options_.streams &&
                                    ready < most_ready_ && memory_ < options_.max_memory && !waiting_.empty();
             ++loads) {
            const waiting w = waiting_.top();
            waiting_.pop();
            ready += load(w.part);
        }
    }
    /// Whether the outbox has less than it should and may have more: `top_up` will bring it, now or when it is called again.
    bool needs_more() const noexcept { return !waiting_.empty() && has_much_room(box_.ready()); }
    /// Whether nothing is left to bring.
    bool empty() const noexcept { return waiting_.empty() && loaded_streams_ == 0; }

    /// An entry that was brought left the outbox.
    void settled(const pending_entry& p, std::optional<loki::reject_reason> refused) {
        const auto number = static_cast<std::uint32_t>(p.position >> position_bits);
        loaded_part& l = parts_[number];
        touch(number);
        bytes_settled_ += p.line_size() - p.suffix_size;
        memory_ -= outbox::cost(p);
        drop_left(l, 1);
        l.part.progress.settle(p.position & position_mask, refused       ? outcome::rejected(*refused)
                                                           : p.restamped ? outcome::restamped()
                                                                         : outcome::shipped());
        if (--l.in_outbox == 0) {
            --loaded_streams_;
            if (!std::exchange(l.lane_is_idle, true))
                idle_lanes_.push_back(number);
            wait_again(number);
        }
    }
    /// The bytes of the lines that are settled.
    std::uint64_t bytes_settled() const noexcept { return bytes_settled_; }

    /// Something of which an interrupted backfill must know may be sent, or goes on from what Loki said.
    bool must_be_saved() const noexcept {
        return std::any_of(touched_.begin(), touched_.end(),
                           [this](std::uint32_t n) { return parts_[n].in_outbox != 0; });
    }
    /// The streams' texts for a checkpoint; valid until the next call. Makes anew those that changed since the last one.
    std::vector<std::string_view> state(timestamp wall, steady_time now) {
        for (const auto n : touched_) {
            parts_[n].touched = false;
            parts_[n].saved = state_of(parts_[n].part, wall, now);
        }
        touched_.clear();
        std::vector<std::string_view> out;
        for (const auto& l : parts_)
            if (!l.saved.empty())
                out.push_back(l.saved);
        return out;
    }

private:
    /// Finds a key that is there twice: entries of one execution and time come one behind the other.
    class repeated_keys {
    public:
        /// Whether the key came before. To be asked in the spool's order.
        bool operator()(const aoss::step_key& key) {
            if (key.execution_high != high_ || key.execution_low != low_) {
                high_ = key.execution_high;
                low_ = key.execution_low;
                seen_.clear();
            }
            return !seen_.insert(key).second;
        }

    private:
        std::uint64_t high_ = 0, low_ = 0;
        boost::unordered_flat_set<aoss::step_key> seen_;
    };

    /// Of an entry's `position` in the outbox: its part and its place in it.
    static constexpr unsigned position_bits = 40;
    static constexpr std::uint64_t position_mask = (std::uint64_t{1} << position_bits) - 1;

    struct loaded_part {
        explicit loaded_part(shipment_part p)
            : part(std::move(p)) {}
        shipment_part part;
        std::optional<shipment_part::cursor> cursor{};
        /// Not later than its next entry.
        timestamp next{};
        bool ended = false;
        /// How many entries it has at most that are not settled.
        std::uint64_t left = 0;
        std::size_t in_outbox = 0;
        /// Its text in the checkpoint, and whether that is not true any more.
        std::string saved{};
        bool touched = false;
        /// It is one of `idle_lanes_`.
        bool lane_is_idle = false;
        /// How many ranges of `part.present` are behind.
        std::size_t present_passed = 0;
    };
    struct waiting {
        bool later;
        timestamp next;
        std::uint32_t part;

        /// For a queue whose first is the most urgent, then the oldest.
        friend bool operator<(const waiting& a, const waiting& b) noexcept {
            return std::tie(a.later, a.next, a.part) > std::tie(b.later, b.next, b.part);
        }
    };

    void touch(std::uint32_t number) {
        if (!std::exchange(parts_[number].touched, true))
            touched_.push_back(number);
    }
    std::string state_of(const shipment_part& p, timestamp wall, steady_time now) const {
        if (p.progress.taken() == 0 && p.open_before.empty() && p.ranges.empty())
            return {};
        checkpoint::stream s;
        s.labels = p.labels;
        s.outcomes = p.progress.outcomes();
        s.prefixes = p.progress.prefixes();
        s.open = p.progress.open();
        s.open.insert(s.open.end(), p.open_before.begin(), p.open_before.end());
        const auto* lane = box_.find_stream(p.labels);
        s.proven = p.progress.proven(lane ? lane->window : loki::stream_window());
        std::set_intersection(p.open_before.begin(), p.open_before.end(), p.proven_before.begin(),
                              p.proven_before.end(), std::back_inserter(s.proven));
        s.open_is_whole = p.open_before.empty() || p.together_until;
        s.taken_until = p.taken_until;
        s.ranges = p.ranges;
        if (const auto known = lane && lane->window.known() ? lane->window.known() : p.acknowledged)
            s.acknowledged.emplace(*known, wall, now);
        return to_text(s);
    }

    /// There are many streams, and the outbox shall have those that it needs.
    bool forget_lane(loaded_part& l, steady_time now) {
        if (l.in_outbox == 0) {
            const auto* lane = box_.find_stream(l.part.labels);
            const auto known = lane ? lane->window.known() : std::nullopt;
            if (!box_.forget(l.part.labels, now))
                return false;
            if (known)
                l.part.acknowledged = known;
        }
        l.lane_is_idle = false;
        return true;
    }

    void drop_left(loaded_part& l, std::uint64_t n) noexcept {
        n = std::min(n, l.left);
        l.left -= n;
        left_ -= n;
    }

    void wait_again(std::uint32_t number) {
        const loaded_part& l = parts_[number];
        if (!l.ended)
            waiting_.push({!l.part.urgent, l.next, number});
    }

    static bool is_present(loaded_part& l, std::uint64_t position) noexcept {
        const auto& ranges = l.part.present;
        while (l.present_passed != ranges.size() && ranges[l.present_passed].second <= position)
            ++l.present_passed;
        return l.present_passed != ranges.size() && ranges[l.present_passed].first <= position;
    }

    /// Passes by what an earlier run settled; false where there is more of it.
    bool pass_settled(loaded_part& l) {
        if (!l.cursor)
            l.cursor.emplace(spool_, l.part);
        spooled_entry e;
        for (std::size_t n = 0; l.cursor->position() < l.part.progress.settled() && l.cursor->next(e); ++n)
            if (n == max_passed)
                return false;
        return true;
    }

    /// Whether something of the part is in the outbox now.
    bool load(std::uint32_t number) {
        loaded_part& l = parts_[number];
        shipment_part& p = l.part;
        if (!pass_settled(l)) {
            l.cursor->release();
            wait_again(number);
            return false;
        }
        touch(number);
        // What is brought at once is all of the part that is in the outbox.
        repeated_ = {};
        spooled_entry e;
        std::size_t bytes = 0;
        outbox::lane* lane = nullptr;
        const std::size_t begin = memory_, most = load_size(l);
        const auto has_room = [&](std::size_t n) {
            // With one more like them it is still one push.
            return n < options_.max_entries && bytes + bytes / (n + 1) < options_.max_bytes &&
                   memory_ - begin < most;
        };
        for (std::size_t n = 0; has_room(n) || (p.together_until && l.next <= *p.together_until); ++n) {
            if (!l.cursor->next(e)) {
                l.ended = true;
                drop_left(l, l.left - std::min<std::uint64_t>(l.left, l.in_outbox));
                l.cursor.reset();
                break;
            }
            l.next = e.time;
            p.taken_until = std::max(p.taken_until.value_or(l.next), l.next);
            const std::uint64_t position = p.progress.taken();
            const std::uint64_t digest = entry_digest(e.time, e.key);
            const auto sent = std::lower_bound(p.open_before.begin(), p.open_before.end(), digest);
            const bool maybe_sent = sent != p.open_before.end() && *sent == digest;
            if (maybe_sent)
                p.open_before.erase(sent);
            const bool proven =
                maybe_sent && std::binary_search(p.proven_before.begin(), p.proven_before.end(), digest);
            p.progress.take(digest, e.time, proven);
            if (const auto done = outcome_without_push(l, e, maybe_sent)) {
                bytes_settled_ += e.line.size();
                p.progress.settle(position, *done);
                drop_left(l, 1);
                --count_.pending;
                count_settled(count_, *done, 1);
                continue;
            }
            bytes += batch_limits::body_bytes(e.size());
            if (!lane) {
                lane = &box_.stream(p.labels);
                if (const auto known = std::exchange(p.acknowledged, std::nullopt))
                    lane->window = loki::stream_window(*known);
            }
            pending_entry pending{{e.time, {}}, e.key};
            if (options_.with_lines)
                pending.entry = e.read();
            else
                pending.stored = e.line;
            pending.position = std::uint64_t{number} << position_bits | position;
            pending.sent_before = maybe_sent;
            pending.proven = proven;
            memory_ += outbox::cost(pending);
            box_.add_unlisted(*lane, std::move(pending));
            ++l.in_outbox;
        }
        // What an earlier run may have sent and is not there any more is of no use.
        if (std::exchange(p.together_until, std::nullopt) || l.ended)
            p.open_before.clear();
        if (l.cursor)
            l.cursor->release();
        if (l.in_outbox == 0) {
            wait_again(number);
            return false;
        }
        ++loaded_streams_;
        return true;
    }
    std::optional<outcome> outcome_without_push(loaded_part& l, const spooled_entry& e, bool maybe_sent) {
        if (repeated_(e.key))
            return outcome::duplicate();
        if (maybe_sent)
            return std::nullopt; // Loki tells
        if (is_present(l, l.cursor->stream_position()))
            return outcome::duplicate();
        if (const auto reason = refuse_(l.part, e))
            return outcome::rejected(*reason);
        return std::nullopt;
    }

    /// All get as much of what there is room for as they have of what is left, so that they end together.
    std::size_t load_size(const loaded_part& l) const noexcept {
        const double share = left_ == 0 ? 1 : static_cast<double>(l.left) / static_cast<double>(left_);
        return std::max(static_cast<std::size_t>(share * static_cast<double>(options_.max_memory)),
                        min_load_size);
    }
    bool has_much_room(std::size_t ready) const noexcept {
        return loaded_streams_ <= options_.streams / 4 * 3 && memory_ <= options_.max_memory / 4 * 3 &&
               ready <= most_ready_ / 2;
    }

    static constexpr std::size_t max_loads = 100;
    /// A smaller push is hardly worth its answer.
    static constexpr std::size_t min_load_size = 128 * 1024;
    static constexpr std::size_t max_passed = 10'000;

    const spool& spool_;
    outbox& box_;
    counters& count_;
    options options_;
    std::size_t most_ready_ = std::numeric_limits<std::size_t>::max();
    refuse_function refuse_;
    std::deque<loaded_part> parts_;
    std::vector<std::uint32_t> touched_;
    /// Parts that have nothing in the outbox any more, and maybe a lane there.
    std::vector<std::uint32_t> idle_lanes_;
    std::priority_queue<waiting> waiting_;
    repeated_keys repeated_;
    std::size_t loaded_streams_ = 0, memory_ = 0;
    /// Of all parts.
    std::uint64_t left_ = 0;
    std::uint64_t bytes_settled_ = 0;
};

} // namespace lokiship::ship

#endif
