# The reference layout: what public documents prove, and for all they leave open the values that
# are tried first. Most lines are assumptions (see FORMATS.md); only calibration on a postoffice
# turns them into knowledge. The key table holds the eleven octets that are known in public.
# The names are explained in msmailgw-profile(5).

profile = reference
verdict = insufficient

key.bitmap_offset = 0x30           # assumed; its 512 octets are certain (Q119088)
key.bitmap_order = lsb             # assumed
key.bitmap_set = deleted           # likely: "bitmap of deleted headers" (Q119088)
key.count_new = 0x00               # assumed; that it is in the file is certain (Q77926)
key.count_unread = 0x02            # assumed; that it is in the file is certain (Q77926)
key.count_live = 0x04              # assumed

access2.name_offset = 0x02         # assumed
access2.mailbag_offset = 0x20      # assumed
access2.mailbag_form = ascii       # assumed

mai.counter_offset = 0x0B          # Q104423
mai.counter_order = little         # Q104423
mai.field.from = 0x01              # FIPS PUB 98, Q104423
mai.field.to = 0x05                # FIPS PUB 98, Q104423
mai.field.cc = 0x06                # FIPS PUB 98
mai.field.date = 0x02              # FIPS PUB 98
mai.field.subject = 0x07           # FIPS PUB 98
mai.field.attachments = 0x08       # FIPS PUB 98
mai.field.text = 0x04              # FIPS PUB 98
mai.vendor.priority = 0x34         # assumed
mai.address_trailer = 00 80 00 00 40    # inferred from Q104423
mai.date_form = yyyy-mm-dd hh:mm   # assumed

att.cipher = whole                 # "encrypted" is certain (Q87379), the form assumed

cipher.chain = previous-ciphertext-xor                  # the only form that fits Q104423
cipher.key[11..21] = 52 6E 79 68 55 48 61 66 0B 12 4C   # from the strings of Q104423

codepage = 850                     # of western European postoffices (Q174153)
