"""Every write that concerns a login."""

from apps.accounts.services.addresses import add_address, newest_addresses, read_address, remove_address, resting
from apps.accounts.services.codes import has_two_factor
from apps.accounts.services.guessing import Durable, locked_seconds
from apps.accounts.services.logins import (
    change_password,
    check_password_strength,
    confirm_password_reset,
    create_api_key,
    ensure_member,
    request_password_reset,
    revoke_api_key,
    rotate_api_key,
    set_member_active,
    update_profile,
)
from apps.accounts.services.sign_ins import end_sign_in, sign_out_everywhere, sign_out_user
from apps.accounts.services.signing_in import (
    check_password,
    check_second_step,
    normal_email,
    prove,
    prove_again,
    prove_code,
    prove_password,
    sign_in,
    step_up,
    unlock_sign_in,
)
from apps.accounts.services.sub_users import ALLOWED as SUB_USER_RIGHTS
from apps.accounts.services.sub_users import change_sub_user, create_sub_user
from apps.accounts.services.two_factor import (
    begin_two_factor,
    confirm_two_factor,
    enrolment_of,
    renew_recovery_codes,
    reset_two_factor,
    standing,
    switch_off_two_factor,
)

__all__ = [
    "SUB_USER_RIGHTS",
    "Durable",
    "add_address",
    "begin_two_factor",
    "change_password",
    "change_sub_user",
    "check_password",
    "check_password_strength",
    "check_second_step",
    "confirm_password_reset",
    "confirm_two_factor",
    "create_api_key",
    "create_sub_user",
    "end_sign_in",
    "enrolment_of",
    "ensure_member",
    "has_two_factor",
    "locked_seconds",
    "newest_addresses",
    "normal_email",
    "prove",
    "prove_again",
    "prove_code",
    "prove_password",
    "read_address",
    "remove_address",
    "renew_recovery_codes",
    "request_password_reset",
    "reset_two_factor",
    "resting",
    "revoke_api_key",
    "rotate_api_key",
    "set_member_active",
    "sign_in",
    "sign_out_everywhere",
    "sign_out_user",
    "standing",
    "step_up",
    "switch_off_two_factor",
    "unlock_sign_in",
    "update_profile",
]
