# Ruby's net/smtp. Argument: one JSON object (see labkit.clients).
require 'json'
require 'net/smtp'

order = JSON.parse(ARGV[0])
smtp = Net::SMTP.new(order['name'], order['port'])
context = OpenSSL::SSL::SSLContext.new
context.set_params(ca_file: order['ca'])
order['tls'] == 'implicit' ? smtp.enable_tls(context) : smtp.enable_starttls(context)
how = {}
if order["mechanism"]
  how = { user: order["user"], secret: order["secret"], authtype: order["mechanism"].downcase.tr("-", "_").to_sym }
end
smtp.start(helo: order['ehlo'], **how) do |session|
  order['messages'].each { |message| session.send_message(message, order['sender'], order['recipients']) }
end
