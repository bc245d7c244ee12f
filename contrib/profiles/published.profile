# What public documents prove about the layout of a Microsoft Mail postoffice, and nothing else.
# The names are explained in msmailgw-profile(5), the evidence in FORMATS.md. A postoffice cannot be
# read with this profile alone: it is where calibration begins.

profile = published
verdict = insufficient

mai.counter_offset = 0x0B          # Q104423
mai.counter_order = little         # Q104423
mai.field.from = 0x01              # FIPS PUB 98; by arithmetic on the dump of Q104423
mai.field.to = 0x05                # FIPS PUB 98; by arithmetic on the dump of Q104423
cipher.chain = previous-ciphertext-xor                  # the only form that fits Q104423
cipher.key[11..21] = 52 6E 79 68 55 48 61 66 0B 12 4C   # from the strings of Q104423
