#ifndef LOKISHIP_SHIP_METADATA_LIMITS_HPP
#define LOKISHIP_SHIP_METADATA_LIMITS_HPP

#include <lokiship/loki/push_reply.hpp>
#include <lokiship/ship/pending_entry.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>

namespace lokiship::ship {

/// How much structured metadata Loki takes, as far as its answers have shown. Pure.
class metadata_limits {
public:
    explicit metadata_limits(bool allowed) noexcept
        : allowed_(allowed) {}

    static bool concerns(loki::reject_reason reason) noexcept {
        using enum loki::reject_reason;
        return reason == disallowed_structured_metadata || reason == structured_metadata_too_large ||
               reason == structured_metadata_too_many;
    }

    /// Loki takes some.
    bool allowed() const noexcept { return allowed_; }
    /// It took as much as this entry is sent with.
    bool has_taken(const pending_entry& p) const noexcept {
        return p.metadata_labels() <= most_labels_taken_ && p.metadata_size() <= most_bytes_taken_;
    }
    /// It refused as much, or less.
    bool refuses(const pending_entry& p) const noexcept {
        return p.metadata_labels() != 0 && (!allowed_ || p.metadata_labels() >= least_labels_refused_ ||
                                            p.metadata_size() >= least_bytes_refused_);
    }

    void taken(const pending_entry& p) noexcept {
        most_labels_taken_ = std::max(most_labels_taken_, p.metadata_labels());
        most_bytes_taken_ = std::max(most_bytes_taken_, p.metadata_size());
    }
    /// Precondition: the reason `concerns` metadata.
    void refused(const pending_entry& p, loki::reject_reason reason) noexcept {
        if (reason == loki::reject_reason::structured_metadata_too_many)
            least_labels_refused_ = std::min(least_labels_refused_, p.metadata_labels());
        else if (reason == loki::reject_reason::structured_metadata_too_large)
            least_bytes_refused_ = std::min(least_bytes_refused_, p.metadata_size());
        else
            allowed_ = false;
    }

private:
    bool allowed_;
    std::size_t most_labels_taken_ = 0, most_bytes_taken_ = 0;
    std::size_t least_labels_refused_ = std::numeric_limits<std::size_t>::max();
    std::size_t least_bytes_refused_ = std::numeric_limits<std::size_t>::max();
};

} // namespace lokiship::ship

#endif
