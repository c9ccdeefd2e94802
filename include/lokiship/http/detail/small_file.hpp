#ifndef LOKISHIP_HTTP_DETAIL_SMALL_FILE_HPP
#define LOKISHIP_HTTP_DETAIL_SMALL_FILE_HPP

#include <lokiship/error.hpp>
#include <lokiship/text/escape.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string>

namespace lokiship::http::detail {

/// The text of a file of at most `max_size` bytes. Anything but a file is refused: a pipe could block, and gives
/// nothing when it is read again.
///
/// Error: `errc::unusable_credentials`, naming the file and the cause.
inline result<std::string> read_small_file(const std::string& path, std::size_t max_size) {
    const auto bad = [&path](const std::string& why) {
        return error(errc::unusable_credentials, '\'' + text::escape_for_log(path) + "' " + why);
    };
    const auto unreadable = [&bad](int code) {
        return bad("cannot be read: " + error_code(code, boost::system::system_category()).message());
    };
    const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd == -1)
        return unreadable(errno);
    struct closer {
        int fd;
        ~closer() { ::close(fd); }
    } const close_it{fd};
    struct stat s{};
    if (::fstat(fd, &s) != 0)
        return unreadable(errno);
    if (!S_ISREG(s.st_mode))
        return bad("is no file");
    // One more, to meet the end.
    std::string out(std::min(static_cast<std::size_t>(s.st_size), max_size) + 1, '\0');
    std::size_t size = 0;
    for (;;) {
        if (size == out.size()) {
            if (size > max_size)
                return bad("has more than " + std::to_string(max_size) + " bytes");
            out.resize(std::min(2 * size, max_size + 1));
        }
        const auto n = ::read(fd, out.data() + size, out.size() - size);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return unreadable(errno);
        if (n == 0)
            break;
        size += static_cast<std::size_t>(n);
    }
    out.resize(size);
    return out;
}

} // namespace lokiship::http::detail

#endif
