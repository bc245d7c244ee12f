# MSMAILGW_ADD_CFLAG(VARIABLE, FLAG): adds FLAG to VARIABLE when the compiler takes it without a
# warning. The user's CFLAGS are never changed.
AC_DEFUN([MSMAILGW_ADD_CFLAG], [
  AS_VAR_PUSHDEF([cache], [msmailgw_cv_cflag_$2])
  AC_CACHE_CHECK([whether $CC takes $2], [cache], [
    saved_CFLAGS="$CFLAGS"
    CFLAGS="$CFLAGS -Werror $2"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])], [AS_VAR_SET([cache], [yes])],
                      [AS_VAR_SET([cache], [no])])
    CFLAGS="$saved_CFLAGS"
  ])
  AS_VAR_IF([cache], [yes], [$1="$$1 $2"])
  AS_VAR_POPDEF([cache])
])

# MSMAILGW_ADD_LDFLAG(VARIABLE, FLAG): the same for the linker.
AC_DEFUN([MSMAILGW_ADD_LDFLAG], [
  AS_VAR_PUSHDEF([cache], [msmailgw_cv_ldflag_$2])
  AC_CACHE_CHECK([whether the linker takes $2], [cache], [
    saved_LDFLAGS="$LDFLAGS"
    LDFLAGS="$LDFLAGS $2"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AS_VAR_SET([cache], [yes])],
                   [AS_VAR_SET([cache], [no])])
    LDFLAGS="$saved_LDFLAGS"
  ])
  AS_VAR_IF([cache], [yes], [$1="$$1 $2"])
  AS_VAR_POPDEF([cache])
])
