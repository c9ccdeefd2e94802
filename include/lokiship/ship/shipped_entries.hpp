#ifndef LOKISHIP_SHIP_SHIPPED_ENTRIES_HPP
#define LOKISHIP_SHIP_SHIPPED_ENTRIES_HPP

#include <lokiship/ship/shipment.hpp>
#include <lokiship/ship/spool.hpp>
#include <lokiship/ship/stream_progress.hpp>
#include <lokiship/ship/verification.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace lokiship::ship {

/// Goes once through the entries of a shipment that were shipped, and brings them to a verification. What it is given must
/// outlive it.
class shipped_entries {
public:
    shipped_entries(const spool& source, const shipment& all)
        : spool_(source)
        , all_(all) {
        for (std::size_t i = 0; i != all.size(); ++i)
            for (const auto& run : all[i].progress.outcomes())
                left_in_all_ += run.what == outcome::shipped() ? run.count : 0;
    }
    /// How many were not brought yet.
    std::uint64_t left() const noexcept { return left_in_all_; }
    bool at_end() const noexcept { return part_ == all_.size(); }
    /// Whether it makes sense to bring more.
    static bool has_room(const verification& to) noexcept {
        return to.size() < most_entries / 2 && to.bytes() < most_bytes / 2;
    }
    /// Brings the next ones, until there are some thousand, or their lines take a few megabytes.
    void bring(verification& to) {
        for (std::size_t bytes = to.bytes(); !at_end() && to.size() < most_entries && bytes < most_bytes;) {
            const shipment_part& p = all_[part_];
            if (!cursor_) {
                cursor_.emplace(spool_, p);
                run_ = 0;
                left_ = 0;
                lane_.labels = p.labels;
            }
            while (left_ == 0 && run_ != p.progress.outcomes().size())
                left_ = p.progress.outcomes()[run_++].count;
            spooled_entry e;
            if (left_ == 0 || !cursor_->next(e)) {
                cursor_.reset();
                ++part_;
                continue;
            }
            --left_;
            if (p.progress.outcomes()[run_ - 1].what == outcome::shipped()) {
                bytes += e.size();
                --left_in_all_;
                to.add(lane_, {e.read(), e.key});
            }
        }
        if (cursor_)
            cursor_->release();
    }

private:
    static constexpr std::size_t most_entries = 5'000;
    static constexpr std::size_t most_bytes = 4 * 1024 * 1024;
    const spool& spool_;
    const shipment& all_;
    std::size_t part_ = 0, run_ = 0;
    /// Of the run, and of all.
    std::uint64_t left_ = 0, left_in_all_ = 0;
    std::optional<shipment_part::cursor> cursor_;
    outbox::lane lane_;
};

} // namespace lokiship::ship

#endif
