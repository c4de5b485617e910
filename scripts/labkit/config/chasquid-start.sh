# chasquid keeps its accounts by domain.
set -e
install -d $run/certs/mail.home.example $run/domains/office.example $run/domains/partner.example $run/data
cp $certificates/chasquid.pem $run/certs/mail.home.example/fullchain.pem
cp $certificates/chasquid.key $run/certs/mail.home.example/privkey.pem
python3 -c 'import json, sys
for account in json.load(open(sys.argv[1])): print(account["user"], account["password"])' $folder/accounts.json |
while read -r user password; do
  case $$user in
    [a-z]*@*) chasquid-util -C=$run user-add "$$user" --password="$$password" </dev/null ;;
  esac
done
echo 'someone: | true' >$run/domains/partner.example/aliases
exec chasquid -config_dir=$run
