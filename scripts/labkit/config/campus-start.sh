# Kerberos, the passwords of Cyrus SASL, then Postfix.
set -e
export KRB5_KDC_PROFILE=$run/kdc.conf KRB5_KTNAME=$run/krb5.keytab
kdb5_util create -s -r CAMPUS.EXAMPLE -P "$password"
for service in smtp.campus.example smtp.institute.example; do
  kadmin.local -q "addprinc -randkey smtp/$$service"
  kadmin.local -q "ktadd -k $run/krb5.keytab smtp/$$service"
done
kadmin.local -q "addprinc -randkey bench"
kadmin.local -q "ktadd -k $run/bench.keytab bench"
chmod 644 $run/*.keytab
krb5kdc -n &
python3 -c 'import json, sys
for account in json.load(open(sys.argv[1])): print(account["user"], account["password"])' $folder/accounts.json |
while read -r user password; do
  # Under every realm a client may name.
  for realm in office.example smtp.campus.example; do
    printf %s "$$password" | saslpasswd2 -p -c -f /etc/sasldb2 -u $$realm "$${user%@office.example}"
  done
done
chmod 644 /etc/sasldb2
install -D -m 644 $run/smtpd.conf /etc/postfix/sasl/smtpd.conf
for directory in active bounce corrupt defer deferred flush hold incoming private saved trace; do
  install -d -o postfix -m 700 $run/spool/$$directory
done
install -d -o postfix -g postdrop -m 710 $run/spool/public
install -d -o postfix -g postdrop -m 730 $run/spool/maildrop
install -d $run/spool/pid
install -d -o postfix $run/data
exec /usr/lib/postfix/sbin/master -d -c $run
