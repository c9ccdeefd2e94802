#ifndef LOKISHIP_SHIP_CHECKPOINT_FILE_HPP
#define LOKISHIP_SHIP_CHECKPOINT_FILE_HPP

#include <lokiship/error.hpp>
#include <lokiship/ship/checkpoint.hpp>
#include <lokiship/ship/detail/file.hpp>
#include <lokiship/text/escape.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace lokiship::ship {

/// The file with a backfill's checkpoint, which no other process uses meanwhile. Not thread-safe.
class checkpoint_file {
public:
    /// Takes the file, whether it exists or not, and reads what is in it. Errors, which name the file: the system's, with
    /// `std::errc::resource_unavailable_try_again` where another process has it; `errc::unusable_checkpoint` where it is
    /// damaged, or of another backfill than `job`, and stays as it is.
    result<std::optional<checkpoint>> open(const std::string& path, const std::string& job) {
        auto lock = detail::file_lock::take(path);
        if (!lock)
            return lock.error();
        const auto content = detail::read_whole_file(path);
        if (!content)
            return content.error();
        std::optional<checkpoint> out;
        if (*content) {
            auto parsed = parse_checkpoint(**content);
            const std::string name = '\'' + text::escape_for_log(path) + '\'';
            if (!parsed)
                return error(parsed.error().code, name + " cannot be used: " + parsed.error().message);
            if (parsed->job != job)
                return error(errc::unusable_checkpoint, name + " is the checkpoint of another backfill: of " +
                                                            text::escape_for_log(parsed->job) +
                                                            ", and this one is " + text::escape_for_log(job));
            out = std::move(*parsed);
        }
        lock_ = std::move(*lock);
        path_ = path;
        return out;
    }
    bool is_open() const noexcept { return !path_.empty(); }

    /// Replaces what is in it, as a whole: by `head`, without its streams, and these as `to_text` gives them. Precondition:
    /// `is_open()`. Error: the system's.
    result<void> save(const checkpoint& head, std::span<const std::string_view> streams) const {
        return write_checkpoint(path_, head, streams);
    }

private:
    std::string path_;
    detail::file_lock lock_;
};

} // namespace lokiship::ship

#endif
