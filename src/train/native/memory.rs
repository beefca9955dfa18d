//! The allocator's habits while a model is trained.

/// Has the allocator keep what a step frees for the next step, which asks for the same again. By itself glibc gives
/// blocks of this size back to the system and gets them anew, page by page and each page cleared: on two threads that was
/// a fifth of the time. Nothing where another C library is used.
pub fn keep() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        // SAFETY: `mallopt` takes the allocator's lock itself; what it refuses stays as it was.
        ONCE.call_once(|| unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, libc::c_int::MAX);
            libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
            libc::mallopt(libc::M_TOP_PAD, 64 << 20);
        });
    }
}
