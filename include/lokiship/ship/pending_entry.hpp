#ifndef LOKISHIP_SHIP_PENDING_ENTRY_HPP
#define LOKISHIP_SHIP_PENDING_ENTRY_HPP

#include <lokiship/aoss/step_key.hpp>
#include <lokiship/loki/entry.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/ship/stored_line.hpp>
#include <lokiship/text/timestamp.hpp>

#include <boost/assert.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace lokiship::ship {

/// An entry that waits for Loki, and what is known of it.
struct pending_entry {
    /// Its line is empty where that is `stored`.
    loki::entry entry;
    aoss::step_key key;
    stored_line stored{};
    /// The owner's: where it has the entry from.
    std::uint64_t position = 0;
    /// The time that the record has, where the entry was given a later one.
    timestamp record_time{};
    /// How many bytes were added to the line for that; none where its own time is sent as structured metadata.
    std::uint32_t suffix_size = 0;
    /// It is sent without structured metadata: Loki does not take it, or not that of this entry.
    bool without_metadata = false;
    /// It was part of a push whose outcome, for this entry, is not known.
    bool sent_before = false;
    /// When it was sent, once at least, Loki would have taken it, for all that was known
    /// (`stream_window::is_proven`).
    bool proven = false;
    /// It was acknowledged before and did not show when it was read back.
    bool lost_before = false;
    /// It was given a later time than its record has (`late_entries::restamp`).
    bool restamped = false;
    /// The outbox's: `contains` tells of it.
    bool listed = false;

    /// The line as it is pushed, and its size; valid as long as the entry, or what `stored_line::read` gives.
    std::string_view line() const { return stored ? stored.read() : std::string_view(entry.line); }
    std::size_t line_size() const noexcept { return stored ? stored.size() : entry.line.size(); }
    /// What it has of its own, whether it is sent or not. Makes what `line` gave invalid.
    loki::labels metadata() const { return stored ? stored.read_metadata() : entry.metadata; }
    /// What it is sent with: its own, and a restamped one's time. Makes what `line` gave invalid.
    loki::labels sent_metadata() const {
        if (without_metadata)
            return {};
        loki::labels out = metadata();
        if (restamped)
            out.set("original_timestamp", text::format_rfc3339(record_time));
        return out;
    }
    /// How many labels, and about how many bytes, it is sent with.
    std::size_t metadata_labels() const noexcept {
        const std::size_t own = stored ? stored.metadata_labels() : entry.metadata.size();
        return without_metadata ? 0 : own + restamped;
    }
    std::size_t metadata_size() const noexcept {
        constexpr std::size_t with_original_timestamp = 50;
        const std::size_t own = stored ? stored.metadata_size() : loki::metadata_bytes(entry.metadata);
        return without_metadata ? 0 : own + (restamped ? with_original_timestamp : 0);
    }
    /// What Loki 3 counts as its size, about.
    std::size_t size() const noexcept { return line_size() + metadata_size(); }
    timestamp original_time() const noexcept { return restamped ? record_time : entry.time; }
    /// The entry as its record gives it.
    loki::entry original() const {
        loki::labels own = metadata();
        return {original_time(), std::string(line().substr(0, line_size() - suffix_size)), std::move(own)};
    }
    /// About how many bytes of memory it takes, without what restamping has added.
    std::size_t memory() const noexcept {
        constexpr std::size_t shared = 64; // by the copies of one set
        const auto& own = entry.metadata;
        return sizeof *this + entry.line.size() - suffix_size +
               (own.empty() ? 0 : shared + own.size() * sizeof(loki::label) + loki::metadata_bytes(own));
    }

    /// From now on it is sent without structured metadata; where its own time is part of that, it goes to the line's end. No
    /// effect the second time.
    void leave_out_metadata() {
        if (!std::exchange(without_metadata, true) && restamped)
            put_own_time_into_line();
    }
    /// Gives it another time, as an entry that was never sent, and keeps its own, the first time. Precondition: its line is not
    /// `stored`.
    void restamp(timestamp time) {
        BOOST_ASSERT(!stored);
        if (!std::exchange(restamped, true)) {
            record_time = entry.time;
            if (without_metadata)
                put_own_time_into_line();
        }
        entry.time = time;
        sent_before = proven = false;
    }

private:
    void put_own_time_into_line() {
        const std::string suffix = " | ORIGINAL_TIMESTAMP: " + text::format_rfc3339(record_time);
        entry.line += suffix;
        suffix_size = static_cast<std::uint32_t>(suffix.size());
    }
};

} // namespace lokiship::ship

#endif
