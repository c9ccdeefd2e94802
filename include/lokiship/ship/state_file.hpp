#ifndef LOKISHIP_SHIP_STATE_FILE_HPP
#define LOKISHIP_SHIP_STATE_FILE_HPP

#include <lokiship/error.hpp>
#include <lokiship/ship/detail/file.hpp>
#include <lokiship/ship/shipper_state.hpp>
#include <lokiship/text/escape.hpp>

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lokiship::ship {

/// The file with a shipper's state, which no other process uses meanwhile. Not thread-safe.
class state_file {
public:
    /// What was found.
    struct content {
        std::optional<shipper_state> state{};
        /// Why there is none, where there was a file: it was set aside, as `path` + `.bad`.
        std::optional<std::string> set_aside{};
    };

    /// Takes the file, whether it exists or not, and reads what is in it. A file that is damaged, or of another backend, is
    /// set aside. Errors, which name the file: the system's, with `std::errc::resource_unavailable_try_again` where another
    /// process has it.
    result<content> open(const std::string& path, std::string_view backend) {
        auto lock = detail::file_lock::take(path);
        if (!lock)
            return lock.error();
        const auto text = detail::read_whole_file(path);
        if (!text)
            return text.error();
        content out;
        if (*text) {
            auto parsed = parse_state(**text);
            std::string why;
            if (!parsed)
                why = parsed.error().message;
            else if (parsed->backend != backend)
                why = "it is of another backend: " + text::escape_for_log(parsed->backend);
            else
                out.state = std::move(*parsed);
            if (!out.state) {
                const std::string aside = path + ".bad";
                if (std::rename(path.c_str(), aside.c_str()) != 0)
                    return detail::file_error(path, "set aside");
                out.set_aside = '\'' + text::escape_for_log(path) + "' cannot be used: " + why +
                                "; it is set aside as '" + text::escape_for_log(aside) + '\'';
            }
        }
        lock_ = std::move(*lock);
        path_ = path;
        return out;
    }
    bool is_open() const noexcept { return !path_.empty(); }

    /// Replaces what is in it, as a whole. Precondition: `is_open()`. Error: the system's.
    result<void> save(const shipper_state& s) const {
        const std::string text = to_text(s);
        const std::string_view pieces[] = {text};
        return detail::replace_file(path_, pieces);
    }

private:
    std::string path_;
    detail::file_lock lock_;
};

} // namespace lokiship::ship

#endif
