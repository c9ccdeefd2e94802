#ifndef LOKISHIP_SHIP_DETAIL_FILE_HPP
#define LOKISHIP_SHIP_DETAIL_FILE_HPP

#include <lokiship/error.hpp>
#include <lokiship/text/escape.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace lokiship::ship::detail {

/// The error that `errno` tells of a file.
inline error file_error(const std::string& path, const char* what) {
    const error_code code(errno, boost::system::system_category());
    return {code, "'" + text::escape_for_log(path) + "' cannot be " + what + ": " + code.message()};
}

/// False, and `errno` tells why, where not all could be written.
inline bool write_all(int fd, std::string_view content) noexcept {
    while (!content.empty()) {
        const auto n = ::write(fd, content.data(), content.size());
        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        content.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

/// Replaces a file as a whole: after a crash or a power failure at any moment it has the old content or the new one.
/// Error: the system's, naming the file. Writes `path` + `.new` first; where `path` is a link, beside what it leads to.
inline result<void> replace_file(std::string path, std::span<const std::string_view> content) {
    error_code ec;
    if (auto target = std::filesystem::canonical(path, ec); !ec)
        path = target.string();
    const std::string next = path + ".new";
    const auto failed = [&](const char* what) { return file_error(path, what); };
    ::unlink(next.c_str());
    const int fd = ::open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd == -1)
        return failed("written");
    bool ok = true;
    std::string block;
    for (std::size_t i = 0; ok && i != content.size(); ++i) {
        block += content[i];
        if (block.size() >= 256 * 1024 || i + 1 == content.size()) {
            ok = write_all(fd, block);
            block.clear();
        }
    }
    ok = ok && ::fsync(fd) == 0;
    const int why = errno;
    ok = ::close(fd) == 0 && ok;
    if (!ok) {
        errno = why;
        const error e = failed("written");
        ::unlink(next.c_str());
        return e;
    }
    if (::rename(next.c_str(), path.c_str()) != 0) {
        const error e = failed("replaced");
        ::unlink(next.c_str());
        return e;
    }
    // The new name must be on the disk as well.
    const auto slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const int dir = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir == -1)
        return failed("replaced");
    const bool synced = ::fsync(dir) == 0 || errno == EINVAL;
    const error e = synced ? error() : failed("replaced");
    ::close(dir);
    if (!synced)
        return e;
    return {};
}

/// Keeps other processes away from a file, by a lock on `path` + `.lock`, until the object is gone. The system lets go of
/// it when the process ends, however it ends; the file with the lock stays.
class file_lock {
public:
    /// Error: the system's, naming the file; `std::errc::resource_unavailable_try_again` where another process has it.
    static result<file_lock> take(const std::string& path) {
        file_lock out;
        out.fd_ = ::open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (out.fd_ == -1)
            return file_error(path, "written");
        if (::flock(out.fd_, LOCK_EX | LOCK_NB) != 0)
            return errno == EWOULDBLOCK
                       ? error(error_code(errno, boost::system::system_category()),
                               "'" + text::escape_for_log(path) + "' is in use by another process")
                       : file_error(path, "locked");
        return out;
    }
    file_lock() = default;
    file_lock(file_lock&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)) {}
    file_lock& operator=(file_lock&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~file_lock() {
        if (fd_ != -1)
            ::close(fd_);
    }

private:
    int fd_ = -1;
};

/// What is in a file; nothing where there is none. Error: the system's, naming the file.
inline result<std::optional<std::string>> read_whole_file(const std::string& path) {
    // A pipe must not be waited for.
    const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd == -1 && errno == ENOENT)
        return std::optional<std::string>();
    if (fd == -1)
        return file_error(path, "read");
    struct ::stat about{};
    if (::fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        ::close(fd);
        return error(make_error_code(boost::system::errc::invalid_argument),
                     "'" + text::escape_for_log(path) + "' cannot be read: it is no regular file");
    }
    std::string content;
    char piece[65536];
    for (;;) {
        const auto n = ::read(fd, piece, sizeof piece);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1) {
            const error e = file_error(path, "read");
            ::close(fd);
            return e;
        }
        if (n == 0)
            break;
        content.append(piece, static_cast<std::size_t>(n));
    }
    ::close(fd);
    return std::optional(std::move(content));
}

} // namespace lokiship::ship::detail

#endif
